// A token bucket whose balance may be negative.
#pragma once

#include <cstdint>

#include "absl/time/time.h"
#include "base/clock.h"

namespace limbeck::gateway {

// Refills in whole intervals, so that a provider that counts per interval is never outrun by
// fractions. Not thread-safe. Times must not go back.
class TokenBucket {
 public:
  struct Options {
    int64_t per_minute = 0;  // 0: unlimited.
    // Largest balance; 0 means a sixth of per_minute (ten seconds' worth), at least 1.
    int64_t burst = 0;
    absl::Duration interval = absl::Seconds(1);
  };

  // Starts full.
  TokenBucket(const Options& options, SteadyTime now);

  // When `amount` may be taken: `now` or earlier if at once. An amount above the burst may be taken
  // from a full bucket and leaves debt.
  SteadyTime WhenAvailable(int64_t amount, SteadyTime now);

  // Takes `amount` whatever the balance; negative gives back. The balance never exceeds the burst.
  void Take(int64_t amount, SteadyTime now);

  // Lowers the balance to `at_most` if it is above.
  void Tighten(int64_t at_most, SteadyTime now);

  // Whole tokens, rounded down; negative is debt.
  int64_t balance(SteadyTime now);
  bool unlimited() const { return per_minute_ == 0; }

 private:
  void Refill(SteadyTime now);

  // Amounts are in millionths of a token, so that 1 per minute still refills evenly.
  int64_t per_minute_;
  int64_t burst_;
  int64_t per_interval_;
  absl::Duration interval_;
  int64_t balance_;
  SteadyTime last_refill_;
};

}  // namespace limbeck::gateway
