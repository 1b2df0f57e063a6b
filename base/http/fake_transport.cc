#include "base/http/fake_transport.h"

#include <utility>

namespace limbeck::http {

Outcome Answer(int status_code, std::string body, std::vector<Header> headers) {
  Outcome outcome;
  outcome.delivery = Delivery::kAnswered;
  outcome.response.status_code = status_code;
  outcome.response.headers = std::move(headers);
  outcome.response.body = std::move(body);
  return outcome;
}

Outcome LostAnswer() {
  Outcome outcome;
  outcome.delivery = Delivery::kUnknown;
  outcome.status = absl::UnavailableError("scripted: connection reset");
  return outcome;
}

Outcome NeverSent() {
  Outcome outcome;
  outcome.delivery = Delivery::kNotSent;
  outcome.status = absl::UnavailableError("scripted: connection refused");
  return outcome;
}

void FakeTransport::Start(Request request, Done done) {
  {
    absl::MutexLock lock(&mu_);
    requests_.push_back(request);
    if (holding_) {
      held_.push_back({std::move(request), std::move(done)});
      return;
    }
  }
  done(NextOutcome(request));
}

size_t FakeTransport::in_flight() const {
  absl::MutexLock lock(&mu_);
  return held_.size();
}

void FakeTransport::AddReply(Outcome outcome) {
  absl::MutexLock lock(&mu_);
  replies_.push_back(std::move(outcome));
}

void FakeTransport::Hold() {
  absl::MutexLock lock(&mu_);
  holding_ = true;
}

bool FakeTransport::ReleaseOne() {
  Held held;
  {
    absl::MutexLock lock(&mu_);
    if (held_.empty()) return false;
    held = std::move(held_.front());
    held_.pop_front();
  }
  held.done(NextOutcome(held.request));
  return true;
}

void FakeTransport::Release() {
  {
    absl::MutexLock lock(&mu_);
    holding_ = false;
  }
  while (ReleaseOne()) {
  }
}

std::vector<Request> FakeTransport::requests() const {
  absl::MutexLock lock(&mu_);
  return requests_;
}

Outcome FakeTransport::NextOutcome(const Request& request) {
  if (request.cancelled != nullptr && request.cancelled->load()) {
    Outcome outcome = LostAnswer();
    outcome.status = absl::CancelledError("scripted: not wanted any more");
    return outcome;
  }
  {
    absl::MutexLock lock(&mu_);
    if (!replies_.empty()) {
      Outcome outcome = std::move(replies_.front());
      replies_.pop_front();
      return outcome;
    }
  }
  if (handler_ != nullptr) return handler_(request);
  Outcome outcome;
  outcome.status = absl::UnavailableError("FakeTransport: no reply was scripted");
  return outcome;
}

}  // namespace limbeck::http
