#include "gateway/dispatch/retry_budget.h"

#include <algorithm>

namespace limbeck::gateway {
namespace {

// With no advance at all a retry could wait for ever.
constexpr double kSlowest = 0.01;
// One retry, less what summing tenths loses.
constexpr double kWhole = 1 - 1e-6;

}  // namespace

RetryBudget::RetryBudget(const RetryBudgetOptions& options, SteadyTime now)
    : options_({options.ratio, options.initial, std::max(options.advance_per_second, kSlowest),
                options.per_answered, options.max_saved}),
      saved_(std::min(options_.initial, options_.max_saved)),
      advanced_(saved_),
      last_(now) {}

void RetryBudget::Advance(SteadyTime now) {
  if (now <= last_) return;
  const double earned = options_.advance_per_second * absl::ToDoubleSeconds(now - last_);
  // Never more than the one that finds out: a long silence is no credit for a burst behind it.
  const double given = std::min(earned, std::max(0.0, 1 - saved_));
  saved_ += given;
  advanced_ += given;
  last_ = now;
}

void RetryBudget::OnFirstTry() {
  const double paid_back = std::min(options_.ratio, advanced_);
  advanced_ -= paid_back;
  saved_ = std::min(options_.max_saved, saved_ + options_.ratio - paid_back);
}

void RetryBudget::OnAnswered() {
  saved_ = std::min(options_.max_saved, saved_ + options_.per_answered);
}

bool RetryBudget::TryTake(SteadyTime now) {
  Advance(now);
  if (saved_ < kWhole) return false;
  saved_ -= 1;
  return true;
}

SteadyTime RetryBudget::AvailableAt(SteadyTime now) {
  Advance(now);
  if (saved_ >= kWhole) return now;
  // A nanosecond more than the exact time, so that rounding does not leave it just short.
  return now + absl::Seconds((1 - saved_) / options_.advance_per_second) + absl::Nanoseconds(1);
}

}  // namespace limbeck::gateway
