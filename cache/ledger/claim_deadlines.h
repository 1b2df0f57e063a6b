// When claims end, on the steady clock: a jump of wall time in mid-run neither ends a claim early
// nor keeps a dead one alive. The wall deadline in the claim's row only counts for claims that this
// process sees for the first time, after a restart or from another server. Thread-safe.
#pragma once

#include <cstdint>
#include <unordered_map>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "base/clock.h"
#include "cache/ledger/rows.h"

namespace limbeck::cache {

class ClaimDeadlines {
 public:
  // Borrows `clock`.
  explicit ClaimDeadlines(Clock* clock) : clock_(clock) {}

  // Time left; zero when the claim is over. Never more than the claim's life.
  absl::Duration Left(const ClaimRow& claim);
  // The claim was made or extended just now.
  void Start(uint64_t fence, absl::Duration life);
  void Forget(uint64_t fence);

 private:
  Clock* const clock_;
  absl::Mutex mu_;
  // At most one entry per claim alive.
  std::unordered_map<uint64_t, SteadyTime> ends_ ABSL_GUARDED_BY(mu_);
};

}  // namespace limbeck::cache
