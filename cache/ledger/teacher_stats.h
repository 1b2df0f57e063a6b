// What calls to a teacher use, gathered as their answers are stored: quotes are fitted on it.
#pragma once

#include <map>
#include <string>

#include "absl/status/status.h"
#include "cache/client/cache_client.h"
#include "cache/ledger/transaction.h"

namespace limbeck::cache {

using TeacherStatsByName = std::map<std::string, TeacherStats>;

// Beyond this many calls of one teacher all sums are halved, so that they follow its changes and
// never overflow.
inline constexpr uint64_t kMaxStatsCalls = 100'000;

// Counts one call; nothing for one whose usage or prompt size is unknown.
void AddCall(const CallUsage& usage, TeacherStats* stats);

// Adds to the stored sums of `domain`. Writer thread only.
absl::Status AddTeacherStats(Transaction* transaction, const std::string& domain,
                             const TeacherStatsByName& stats);

}  // namespace limbeck::cache
