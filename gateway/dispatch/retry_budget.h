// Keeps retries a small part of all calls, so that an outage does not multiply load.
#pragma once

#include "absl/time/time.h"
#include "base/clock.h"

namespace limbeck::gateway {

struct RetryBudgetOptions {
  // Retries earned by each first try.
  double ratio = 0.1;
  // Retries given in advance, so that a small job gets over single faults. First tries earn nothing
  // more until they have earned these.
  double initial = 10;
  // Retries per second that are advanced likewise while there is none left, one at a time, so that
  // what waits finds out that an outage is over.
  double advance_per_second = 0.1;
  // What a retry that is answered puts back: itself and another one. Where half of the retries are
  // answered they multiply nothing, and what an outage left waiting goes at a growing pace.
  double per_answered = 2;
  // Most that can be saved up.
  double max_saved = 50;
};

// While nothing is answered, retries stay within ratio * first tries or `initial`, whichever is
// more, and `advance_per_second`. A retry beyond the budget waits until there is one. It is taken
// when it is sent, not when it is planned: what first tries earn meanwhile counts. Not thread-safe.
class RetryBudget {
 public:
  RetryBudget(const RetryBudgetOptions& options, SteadyTime now);

  void OnFirstTry();
  // A retry showed the teacher at work.
  void OnAnswered();
  // Takes one retry if there is one.
  bool TryTake(SteadyTime now);
  // When TryTake succeeds at the latest, first tries or not.
  SteadyTime AvailableAt(SteadyTime now);

 private:
  void Advance(SteadyTime now);

  const RetryBudgetOptions options_;
  double saved_;
  // Given and not earned yet.
  double advanced_;
  SteadyTime last_;
};

}  // namespace limbeck::gateway
