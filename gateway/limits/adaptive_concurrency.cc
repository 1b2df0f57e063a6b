#include "gateway/limits/adaptive_concurrency.h"

#include <algorithm>

namespace limbeck::gateway {
namespace {

// Growth needs proof that the limit was felt.
constexpr double kNearlyUsed = 0.8;

AdaptiveConcurrencyOptions Checked(AdaptiveConcurrencyOptions options) {
  options.min = std::max<uint32_t>(1, options.min);
  options.max = std::max(options.min, options.max);
  options.cut = std::clamp(options.cut, 0.1, 0.99);
  options.successes_per_step = std::max<uint32_t>(1, options.successes_per_step);
  return options;
}

}  // namespace

AdaptiveConcurrency::AdaptiveConcurrency(const AdaptiveConcurrencyOptions& options)
    : options_(Checked(options)), limit_(options_.max) {}

uint64_t AdaptiveConcurrency::Start() {
  ++in_use_;
  return epoch_;
}

void AdaptiveConcurrency::OnSuccess() {
  if (in_use_ < kNearlyUsed * limit_) return;
  if (++successes_ < options_.successes_per_step) return;
  successes_ = 0;
  limit_ = std::min<double>(options_.max, limit_ + 1);
}

void AdaptiveConcurrency::OnRateLimited(uint64_t epoch) {
  if (epoch != epoch_) return;
  ++epoch_;
  successes_ = 0;
  // What was on the way when the provider objected is the truth, not an unused higher limit.
  const double used = std::min<double>(limit_, std::max<uint32_t>(1, in_use_));
  limit_ = std::max<double>(options_.min, used * options_.cut);
}

}  // namespace limbeck::gateway
