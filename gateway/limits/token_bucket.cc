#include "gateway/limits/token_bucket.h"

#include <algorithm>

namespace limbeck::gateway {
namespace {

constexpr int64_t kScale = 1'000'000;
// Amounts are clamped here, so that no sum of them overflows.
constexpr int64_t kMaxAmount = 1'000'000'000'000;

int64_t Scaled(int64_t amount) { return std::clamp(amount, -kMaxAmount, kMaxAmount) * kScale; }

}  // namespace

TokenBucket::TokenBucket(const Options& options, SteadyTime now)
    : per_minute_(std::clamp<int64_t>(options.per_minute, 0, kMaxAmount)),
      burst_(
          Scaled(std::max<int64_t>(1, options.burst > 0 ? options.burst : options.per_minute / 6))),
      interval_(std::max(options.interval, absl::Milliseconds(1))),
      balance_(burst_),
      last_refill_(now) {
  per_interval_ =
      std::max<int64_t>(1, static_cast<int64_t>(static_cast<double>(per_minute_) * kScale *
                                                absl::FDivDuration(interval_, absl::Minutes(1))));
}

void TokenBucket::Refill(SteadyTime now) {
  if (unlimited() || now <= last_refill_) return;
  absl::Duration rest;
  const int64_t intervals = absl::IDivDuration(now - last_refill_, interval_, &rest);
  if (intervals == 0) return;
  last_refill_ = last_refill_ + intervals * interval_;
  const int64_t missing = burst_ - balance_;
  balance_ = intervals > missing / per_interval_ ? burst_ : balance_ + intervals * per_interval_;
}

SteadyTime TokenBucket::WhenAvailable(int64_t amount, SteadyTime now) {
  if (unlimited()) return now;
  Refill(now);
  const int64_t needed = std::min(Scaled(amount), burst_);
  if (balance_ >= needed) return now;
  const int64_t missing = needed - balance_;
  const int64_t intervals = (missing + per_interval_ - 1) / per_interval_;
  return last_refill_ + intervals * interval_;
}

void TokenBucket::Take(int64_t amount, SteadyTime now) {
  if (unlimited()) return;
  Refill(now);
  balance_ = std::clamp(balance_ - Scaled(amount), Scaled(-kMaxAmount), burst_);
}

void TokenBucket::Tighten(int64_t at_most, SteadyTime now) {
  if (unlimited()) return;
  Refill(now);
  balance_ = std::min(balance_, Scaled(at_most));
}

int64_t TokenBucket::balance(SteadyTime now) {
  Refill(now);
  return balance_ >= 0 ? balance_ / kScale : -((-balance_ + kScale - 1) / kScale);
}

}  // namespace limbeck::gateway
