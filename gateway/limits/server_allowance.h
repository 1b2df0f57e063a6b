// What the provider itself said is left of one count.
#pragma once

#include <cstdint>
#include <optional>

#include "base/clock.h"

namespace limbeck::gateway {

// A second ceiling beside the configured one: it can refuse what a bucket would allow and never the
// other way round. It lasts until the reset that was announced with it; within that time further
// words only lower it, since answers come back in another order than the provider counted them.
// Not thread-safe.
class ServerAllowance {
 public:
  // `left` may be negative: what was sent since the provider counted is taken off it.
  void OnHint(int64_t left, SteadyTime until, SteadyTime now);

  // `now` when `amount` may be taken, else when the allowance ends.
  SteadyTime WhenAvailable(int64_t amount, SteadyTime now) const;
  void Take(int64_t amount) { left_ -= amount; }

  // Absent while nothing is known.
  std::optional<int64_t> left(SteadyTime now) const;

 private:
  int64_t left_ = 0;
  SteadyTime until_;
};

}  // namespace limbeck::gateway
