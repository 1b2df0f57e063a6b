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
    int64_t amount = 0;  // Per window. 0: unlimited.
    absl::Duration window = absl::Minutes(1);
    // Largest balance; 0 means a sixth of `amount` (ten seconds' worth of a minute), at least 1,
    // and `amount` for fixed windows.
    int64_t burst = 0;
    // All of `amount` comes back at the end of each window, which begins with the first use;
    // otherwise it comes back evenly, in intervals of a fiftieth of the window, at most a second.
    bool fixed_window = false;
  };

  // Starts full.
  TokenBucket(const Options& options, SteadyTime now);

  // What has to be kept of a bucket that outlives its object.
  struct Saved {
    int64_t millionths = 0;  // The balance.
    SteadyTime last_refill;
  };
  Saved Save() const { return {balance_, last_refill_}; }
  // While the last refill lies in the future there is no other.
  void Restore(const Saved& saved);

  // When `amount` may be taken: `now` or earlier if at once. An amount above the burst may be taken
  // from a full bucket and leaves debt.
  SteadyTime WhenAvailable(int64_t amount, SteadyTime now);

  // Takes `amount` whatever the balance; negative gives back. The balance never exceeds the burst.
  void Take(int64_t amount, SteadyTime now);

  // Whole tokens, rounded down; negative is debt.
  int64_t balance(SteadyTime now);
  // Whole tokens of a full bucket.
  int64_t burst() const;
  bool unlimited() const { return per_interval_ == 0; }

 private:
  void Refill(SteadyTime now);

  const bool fixed_window_;
  // Amounts are in millionths of a token, so that 1 per minute still refills evenly.
  int64_t burst_;
  int64_t per_interval_;
  absl::Duration interval_;
  int64_t balance_;
  SteadyTime last_refill_;
};

}  // namespace limbeck::gateway
