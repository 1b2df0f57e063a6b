#include "gateway/limits/token_bucket.h"

#include <algorithm>

namespace limbeck::gateway {
namespace {

constexpr int64_t kScale = 1'000'000;
// Amounts are clamped here, so that no sum of them overflows.
constexpr int64_t kMaxAmount = 1'000'000'000'000;
constexpr absl::Duration kLongestInterval = absl::Seconds(1);
constexpr absl::Duration kShortestWindow = absl::Milliseconds(50);
constexpr int64_t kIntervals = 50;
constexpr int64_t kBurstShare = 6;

int64_t Scaled(int64_t amount) { return std::clamp(amount, -kMaxAmount, kMaxAmount) * kScale; }

}  // namespace

TokenBucket::TokenBucket(const Options& options, SteadyTime now)
    : fixed_window_(options.fixed_window), last_refill_(now) {
  const int64_t amount = std::clamp<int64_t>(options.amount, 0, kMaxAmount);
  const absl::Duration window = std::max(options.window, kShortestWindow);
  const int64_t natural_burst = fixed_window_ ? amount : amount / kBurstShare;
  burst_ = Scaled(std::max<int64_t>(1, options.burst > 0 ? options.burst : natural_burst));
  interval_ = fixed_window_ ? window : std::min(window / kIntervals, kLongestInterval);
  const double share = absl::FDivDuration(interval_, window);
  per_interval_ = amount == 0
                      ? 0
                      : std::max<int64_t>(
                            1, static_cast<int64_t>(static_cast<double>(amount) * kScale * share));
  balance_ = burst_;
}

void TokenBucket::Restore(const Saved& saved) {
  balance_ = std::clamp(saved.millionths, Scaled(-kMaxAmount), burst_);
  last_refill_ = saved.last_refill;
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
  // A provider's window begins with the first call; ours may begin later, never earlier.
  if (fixed_window_ && balance_ == burst_ && amount > 0) last_refill_ = now;
  balance_ = std::clamp(balance_ - Scaled(amount), Scaled(-kMaxAmount), burst_);
}

int64_t TokenBucket::balance(SteadyTime now) {
  Refill(now);
  return balance_ >= 0 ? balance_ / kScale : -((-balance_ + kScale - 1) / kScale);
}

int64_t TokenBucket::burst() const { return burst_ / kScale; }

}  // namespace limbeck::gateway
