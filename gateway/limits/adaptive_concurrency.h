// How many calls may be on the way at once, learned from what the provider says.
#pragma once

#include <cstdint>

#include "absl/time/time.h"
#include "base/clock.h"

namespace limbeck::gateway {

struct AdaptiveConcurrencyOptions {
  uint32_t max = 256;
  uint32_t min = 1;
  // Limit before anything is known; 0 starts at `max`. Below `max` it doubles with every clean
  // round of calls until the first 429.
  uint32_t start = 0;
  // On a 429 the limit is multiplied by this, once per round of calls.
  double cut = 0.8;
  // Successes for each step of one upward, counted only while the limit is nearly used. Close to
  // where the last 429 came, a step takes `careful_rounds` times as many successes as the limit.
  uint32_t successes_per_step = 25;
  uint32_t careful_rounds = 4;
  // Successes within this time after a cut (or the pause, if longer) and after a 5xx do not count.
  absl::Duration cooldown = absl::Seconds(5);
};

// Slow start, then additive growth and multiplicative decrease. A call that was admitted before the
// latest cut cannot cut again: a burst of 429s is one message, not many. Growth needs proof that
// the limit was felt: at least four fifths of it in use. Not thread-safe.
class AdaptiveConcurrency {
 public:
  explicit AdaptiveConcurrency(const AdaptiveConcurrencyOptions& options);

  uint32_t limit() const { return static_cast<uint32_t>(limit_); }
  uint32_t in_use() const { return in_use_; }
  bool MayStart() const { return in_use_ < limit(); }

  // The returned epoch belongs to the call and is handed back at its end.
  uint64_t Start();
  void End() { --in_use_; }
  // Whether the call was admitted after the latest cut.
  bool IsCurrent(uint64_t epoch) const { return epoch == epoch_; }

  // Before End of the call that they speak of.
  void OnSuccess(SteadyTime now);
  // `pause`: how long the provider asked everyone to wait.
  void OnRateLimited(uint64_t epoch, absl::Duration pause, SteadyTime now);
  // Growth stops for a while, nothing is cut: after a 5xx, which says that the provider is in
  // trouble and not that this account asks too much.
  void Freeze(SteadyTime now);

 private:
  // Successes until the next step.
  double Needed() const;

  const AdaptiveConcurrencyOptions options_;
  double limit_;
  uint32_t in_use_ = 0;
  uint64_t epoch_ = 0;
  double successes_ = 0;
  bool slow_start_;
  // Calls on the way when the last 429 came; 0 before the first.
  double ceiling_ = 0;
  SteadyTime frozen_until_;
};

}  // namespace limbeck::gateway
