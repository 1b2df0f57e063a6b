// Stops asking a teacher that only fails, and finds out when it is back.
#pragma once

#include <cstdint>
#include <optional>

#include "absl/time/time.h"
#include "base/clock.h"

namespace limbeck::gateway {

struct CircuitBreakerOptions {
  // Failures in a row, over all calls, that open the circuit.
  uint32_t failures_to_open = 20;
  absl::Duration open_for = absl::Seconds(10);
};

// Closed: calls pass. Open: none does until `open_for` has passed; then one probe passes, and its
// end closes the circuit or opens it anew. Not thread-safe.
class CircuitBreaker {
 public:
  explicit CircuitBreaker(const CircuitBreakerOptions& options) : options_(options) {}

  // Whether a call may start now.
  bool MayStart(SteadyTime now) const { return !open_ || (!probing_ && now >= retry_at_); }
  // A call that started must end with exactly one of the two On… REQUIRES: MayStart.
  void Start() { probing_ = open_; }
  // While MayStart refuses: when it may next succeed; absent while a probe is on its way.
  std::optional<SteadyTime> RetryAt() const;

  // Any answer that shows the teacher alive counts as success, 429 and refusals included.
  void OnSuccess();
  void OnFailure(SteadyTime now);

  bool open() const { return open_; }

 private:
  const CircuitBreakerOptions options_;
  uint32_t failures_ = 0;
  bool open_ = false;
  bool probing_ = false;
  SteadyTime retry_at_;
};

}  // namespace limbeck::gateway
