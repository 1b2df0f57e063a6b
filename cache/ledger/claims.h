// The steps of Acquire, Commit and Release on a Transaction. Writer thread only.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "cache/client/cache_client.h"
#include "cache/ledger/claim_deadlines.h"
#include "cache/ledger/rows.h"
#include "cache/ledger/teacher_stats.h"
#include "cache/ledger/transaction.h"

namespace limbeck::cache {

// Claims that a group began or ended, for ClaimDeadlines once the group is durable.
struct ClaimChanges {
  std::vector<uint64_t> begun;
  std::vector<uint64_t> ended;
  std::vector<std::pair<uint64_t, absl::Duration>> extended;  // Fence, life from now.
};

// Decides each item of `request`; `keys` are its items' keys.
class AcquireStep {
 public:
  AcquireStep(const AcquireRequest& request, const std::vector<std::string>& keys,
              ClaimDeadlines* deadlines, Clock* clock, absl::Duration retry_after)
      : request_(request),
        keys_(keys),
        deadlines_(deadlines),
        clock_(clock),
        retry_after_(retry_after) {}

  absl::Status Run(Transaction* transaction, std::vector<AcquireResult>* results,
                   ClaimChanges* changes);

 private:
  absl::Status Decide(size_t i, AcquireResult* result);
  // Notes for the invoices of the request's jobs that the answer was there already.
  void NoteReuse(size_t i, uint64_t fence);
  // The claim is over: its money is spent on an unknown outcome.
  absl::Status EndClaim(const std::string& item_key, const ClaimRow& claim, std::string_view note);
  absl::Status Claim(size_t i, const std::string& item_key, AcquireResult* result);

  const AcquireRequest& request_;
  const std::vector<std::string>& keys_;
  ClaimDeadlines* const deadlines_;
  Clock* const clock_;
  const absl::Duration retry_after_;
  Transaction* transaction_ = nullptr;
  ClaimChanges* changes_ = nullptr;
  absl::Time now_;
  std::vector<std::string> accounts_;  // The request's, with their months.
  std::set<uint64_t> given_;           // Fences given to this request.
};

// An answer with what its header says.
struct CheckedCommit {
  const CommitItem* item = nullptr;
  uint32_t serves = 0;
  uint64_t checksum = 0;
};

// `stats` gathers what is new about teachers, by name.
absl::StatusOr<CommitOutcome> CommitOne(Transaction* transaction, const std::string& domain,
                                        const CheckedCommit& checked, int64_t now_micros,
                                        ClaimChanges* changes, TeacherStatsByName* stats);

absl::StatusOr<ReleaseOutcome> ReleaseOne(Transaction* transaction, const std::string& domain,
                                          const ReleaseItem& item, const std::string& request_id,
                                          int64_t now_micros, ClaimChanges* changes);

}  // namespace limbeck::cache
