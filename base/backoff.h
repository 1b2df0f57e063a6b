// Delays between attempts. Whether to try again, and how often, is the caller's decision.
#pragma once

#include <algorithm>

#include "absl/time/time.h"
#include "base/hash.h"

namespace limbeck {

struct BackoffPolicy {
  absl::Duration initial = absl::Milliseconds(200);
  absl::Duration max = absl::Seconds(30);
  // At least 1.
  double multiplier = 2;
  // The part of each delay that is drawn: 0 gives the full delay always, 1 anything from 0 to it.
  double jitter = 0.5;
};

// Exponential delays, a pure function of the policy and the random stream. Not thread-safe.
class Backoff {
 public:
  Backoff(const BackoffPolicy& policy, StableRandom random) : policy_(policy), random_(random) {
    Reset();
  }

  // The delay before the next attempt.
  absl::Duration Next() {
    const absl::Duration full = next_;
    next_ = std::min(policy_.max, next_ * policy_.multiplier);
    return full * (1 - policy_.jitter * random_.Uniform());
  }

  // Call after a success; delays start at `initial` again.
  void Reset() { next_ = std::min(policy_.initial, policy_.max); }

 private:
  const BackoffPolicy policy_;
  StableRandom random_;
  absl::Duration next_;
};

}  // namespace limbeck
