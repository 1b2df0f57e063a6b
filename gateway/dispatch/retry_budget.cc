#include "gateway/dispatch/retry_budget.h"

#include <algorithm>

namespace limbeck::gateway {
namespace {

// With no floor at all a retry could wait for ever.
constexpr double kSlowest = 0.01;
// One retry, less what summing tenths loses.
constexpr double kWhole = 1 - 1e-6;

}  // namespace

RetryBudget::RetryBudget(const RetryBudgetOptions& options, SteadyTime now)
    : options_({options.ratio, std::max(options.min_per_second, kSlowest), options.max_saved}),
      saved_(std::min(options_.min_per_second, options_.max_saved)),
      last_(now),
      last_first_try_(now) {}

void RetryBudget::Refill(SteadyTime now) {
  if (now <= last_) return;
  // While a pool is parked nothing happens for long; that is no credit for a burst behind it.
  const double most = std::max(1.0, options_.min_per_second);
  const double earned = options_.min_per_second * absl::ToDoubleSeconds(now - last_);
  saved_ = std::min(options_.max_saved, saved_ + std::min(earned, most));
  last_ = now;
}

void RetryBudget::OnFirstTry(SteadyTime now) {
  Refill(now);
  // Time has earned a part of it already.
  const double gap = absl::ToDoubleSeconds(now - last_first_try_);
  const double rest = std::max(0.0, options_.ratio - options_.min_per_second * gap);
  saved_ = std::min(options_.max_saved, saved_ + rest);
  last_first_try_ = std::max(last_first_try_, now);
}

bool RetryBudget::TryTake(SteadyTime now) {
  Refill(now);
  if (saved_ < kWhole) return false;
  saved_ -= 1;
  return true;
}

SteadyTime RetryBudget::AvailableAt(SteadyTime now) {
  Refill(now);
  if (saved_ >= kWhole) return now;
  // A nanosecond more than the exact time, so that rounding does not leave it just short.
  return now + absl::Seconds((1 - saved_) / options_.min_per_second) + absl::Nanoseconds(1);
}

}  // namespace limbeck::gateway
