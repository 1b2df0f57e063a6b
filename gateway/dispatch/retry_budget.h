// Keeps retries a small part of all calls, so that an outage does not multiply load.
#pragma once

#include "absl/time/time.h"
#include "base/clock.h"

namespace limbeck::gateway {

struct RetryBudgetOptions {
  // Retries earned by each first try.
  double ratio = 0.1;
  // Retries per second that are allowed where first tries earn fewer, so that the last rows of a
  // job still get theirs. A time in which nothing is tried earns one second's worth at most.
  double min_per_second = 5;
  // Most that can be saved up.
  double max_saved = 50;
};

// A retry beyond the budget waits until one is earned. It is taken when it is sent, not when it is
// planned: what first tries earn meanwhile counts. Not thread-safe.
class RetryBudget {
 public:
  // Starts with one second's worth.
  RetryBudget(const RetryBudgetOptions& options, SteadyTime now);

  void OnFirstTry(SteadyTime now);
  // Takes one retry if there is one.
  bool TryTake(SteadyTime now);
  // When TryTake succeeds at the latest, first tries or not.
  SteadyTime AvailableAt(SteadyTime now);

 private:
  void Refill(SteadyTime now);

  const RetryBudgetOptions options_;
  double saved_;
  SteadyTime last_;
  SteadyTime last_first_try_;
};

}  // namespace limbeck::gateway
