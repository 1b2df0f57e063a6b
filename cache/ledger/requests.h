// Checks of what callers send, one error per field, before anything is queued.
#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "cache/client/cache_client.h"
#include "cache/ledger/claims.h"

namespace limbeck::cache {

// INVALID_ARGUMENT names the field, what is wrong with it and what is expected.
absl::Status CheckName(std::string_view field, const std::string& name);
absl::Status CheckSetCeiling(const std::string& account, int64_t ceiling_micro_usd,
                             int64_t month_ceiling_micro_usd);
absl::Status CheckAcquire(const AcquireRequest& request);
absl::Status CheckRelease(const std::string& domain, const std::vector<ReleaseItem>& items,
                          const std::string& request_id);
// Also reads the records' headers. The result borrows from `items`.
absl::StatusOr<std::vector<CheckedCommit>> CheckCommit(const std::string& domain,
                                                       const std::vector<CommitItem>& items,
                                                       size_t max_bytes);

}  // namespace limbeck::cache
