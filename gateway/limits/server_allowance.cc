#include "gateway/limits/server_allowance.h"

namespace limbeck::gateway {

void ServerAllowance::OnHint(int64_t left, SteadyTime until, SteadyTime now) {
  if (until <= now) return;
  if (now < until_ && left >= left_) return;
  left_ = left;
  until_ = until;
}

SteadyTime ServerAllowance::WhenAvailable(int64_t amount, SteadyTime now) const {
  return now < until_ && left_ < amount ? until_ : now;
}

std::optional<int64_t> ServerAllowance::left(SteadyTime now) const {
  if (now >= until_) return std::nullopt;
  return left_;
}

}  // namespace limbeck::gateway
