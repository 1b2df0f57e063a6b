#include "gateway/dispatch/circuit_breaker.h"

#include <algorithm>

namespace limbeck::gateway {

std::optional<SteadyTime> CircuitBreaker::RetryAt() const {
  if (!open_ || probing_) return std::nullopt;
  return retry_at_;
}

void CircuitBreaker::OnSuccess() {
  failures_ = 0;
  open_ = false;
  probing_ = false;
}

void CircuitBreaker::OnFailure(SteadyTime now) {
  ++failures_;
  if (failures_ < std::max<uint32_t>(1, options_.failures_to_open)) return;
  open_ = true;
  probing_ = false;
  retry_at_ = now + options_.open_for;
}

}  // namespace limbeck::gateway
