#include "gateway/batches/batch_caller.h"

#include <functional>
#include <memory>
#include <optional>
#include <utility>

namespace limbeck::gateway {
namespace {

// Outlives a Call that was stopped, for the transport that may answer later.
struct Exchange {
  absl::Mutex mu;
  std::optional<http::Outcome> outcome ABSL_GUARDED_BY(mu);
  bool abandoned ABSL_GUARDED_BY(mu) = false;
};

constexpr absl::Duration kStopTick = absl::Milliseconds(20);

}  // namespace

http::Outcome BatchCaller::Call(http::Request request) {
  http::Outcome cancelled;
  cancelled.status = absl::CancelledError("stopped");
  if (stopped()) return cancelled;
  auto exchange = std::make_shared<Exchange>();
  if (request.sink != nullptr) {
    // What the sink writes to ends with the caller.
    request.sink = [exchange, sink = std::move(request.sink)](std::string_view bytes) {
      absl::MutexLock lock(&exchange->mu);
      if (exchange->abandoned) return absl::CancelledError("stopped");
      return sink(bytes);
    };
  }
  transport_->Start(std::move(request), [exchange](http::Outcome outcome) {
    absl::MutexLock lock(&exchange->mu);
    exchange->outcome = std::move(outcome);
  });
  absl::MutexLock lock(&exchange->mu);
  const auto answered = [&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(exchange->mu) {
    return exchange->outcome.has_value();
  };
  while (!exchange->mu.AwaitWithTimeout(absl::Condition(&answered), kStopTick)) {
    if (!stopped()) continue;
    exchange->abandoned = true;
    cancelled.delivery = http::Delivery::kUnknown;
    return cancelled;
  }
  return *std::move(exchange->outcome);
}

bool BatchCaller::Sleep(absl::Duration duration) {
  absl::MutexLock lock(&mu_);
  return !mu_.AwaitWithTimeout(absl::Condition(&stopped_), duration);
}

void BatchCaller::Stop() {
  absl::MutexLock lock(&mu_);
  stopped_ = true;
}

bool BatchCaller::stopped() const {
  absl::MutexLock lock(&mu_);
  return stopped_;
}

}  // namespace limbeck::gateway
