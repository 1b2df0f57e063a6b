#include "gateway/limits/adaptive_concurrency.h"

#include <algorithm>

namespace limbeck::gateway {
namespace {

constexpr double kNearlyUsed = 0.8;
constexpr double kClose = 0.9;

AdaptiveConcurrencyOptions Checked(AdaptiveConcurrencyOptions options) {
  options.min = std::max<uint32_t>(1, options.min);
  options.max = std::max(options.min, options.max);
  options.start = options.start == 0 ? options.max : options.start;
  options.start = std::clamp(options.start, options.min, options.max);
  options.cut = std::clamp(options.cut, 0.1, 0.99);
  options.successes_per_step = std::max<uint32_t>(1, options.successes_per_step);
  options.careful_rounds = std::max<uint32_t>(1, options.careful_rounds);
  return options;
}

}  // namespace

AdaptiveConcurrency::AdaptiveConcurrency(const AdaptiveConcurrencyOptions& options)
    : options_(Checked(options)),
      limit_(options_.start),
      slow_start_(options_.start < options_.max) {}

uint64_t AdaptiveConcurrency::Start() {
  ++in_use_;
  return epoch_;
}

double AdaptiveConcurrency::Needed() const {
  if (slow_start_) return limit_;
  if (limit_ >= kClose * ceiling_ && ceiling_ > 0) {
    return std::max<double>(options_.successes_per_step, options_.careful_rounds * limit_);
  }
  return options_.successes_per_step;
}

void AdaptiveConcurrency::OnSuccess(SteadyTime now) {
  if (limit_ >= options_.max || now < frozen_until_) return;
  if (in_use_ < kNearlyUsed * limit_) return;
  if (++successes_ < Needed()) return;
  successes_ = 0;
  limit_ = std::min<double>(options_.max, slow_start_ ? limit_ * 2 : limit_ + 1);
}

void AdaptiveConcurrency::OnRateLimited(uint64_t epoch, absl::Duration pause, SteadyTime now) {
  frozen_until_ = std::max(frozen_until_, now + std::max(pause, options_.cooldown));
  if (epoch != epoch_) return;
  ++epoch_;
  successes_ = 0;
  slow_start_ = false;
  // What was on the way when the provider objected is the truth, not an unused higher limit; but
  // few calls on the way tell of the account's pace rather than of its concurrency.
  ceiling_ = std::min(limit_, std::max<double>(limit_ / 2, in_use_));
  limit_ = std::max<double>(options_.min, ceiling_ * options_.cut);
}

void AdaptiveConcurrency::Freeze(SteadyTime now) {
  frozen_until_ = std::max(frozen_until_, now + options_.cooldown);
}

}  // namespace limbeck::gateway
