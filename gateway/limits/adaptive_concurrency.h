// How many calls may be on the way at once, learned from what the provider says.
#pragma once

#include <cstdint>

namespace limbeck::gateway {

struct AdaptiveConcurrencyOptions {
  uint32_t max = 256;
  uint32_t min = 1;
  // After the first 429 the limit is multiplied by this, per round of calls.
  double cut = 0.75;
  // Successes for each step of one upward, counted only while the limit is nearly used.
  uint32_t successes_per_step = 25;
};

// Starts at the maximum, is cut on 429 and grows back by successes. A call that was admitted before
// the latest cut cannot cut again: a burst of 429s is one message, not many. Not thread-safe.
class AdaptiveConcurrency {
 public:
  explicit AdaptiveConcurrency(const AdaptiveConcurrencyOptions& options);

  uint32_t limit() const { return static_cast<uint32_t>(limit_); }
  uint32_t in_use() const { return in_use_; }
  bool MayStart() const { return in_use_ < limit(); }

  // The returned epoch belongs to the call and is handed back at its end.
  uint64_t Start();
  void End() { --in_use_; }

  void OnSuccess();
  void OnRateLimited(uint64_t epoch);

 private:
  const AdaptiveConcurrencyOptions options_;
  double limit_;
  uint32_t in_use_ = 0;
  uint64_t epoch_ = 0;
  uint32_t successes_ = 0;
};

}  // namespace limbeck::gateway
