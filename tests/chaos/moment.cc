#include "tests/chaos/moment.h"

#include <utility>

namespace limbeck::testing {

namespace {

Fault Hang() {
  Fault fault;
  fault.kind = FaultKind::kHang;
  return fault;
}

}  // namespace

void Moment::Arm(Ambush ambush) {
  absl::MutexLock lock(&mu_);
  ambush_ = std::move(ambush);
  questions_ = 0;
  key_.clear();
  reached_ = false;
}

void Moment::Disarm() {
  absl::MutexLock lock(&mu_);
  ambush_.reset();
}

std::optional<Fault> Moment::Choose(const Sighting& request) {
  std::function<void()> on_question;
  Fault fault;
  {
    absl::MutexLock lock(&mu_);
    if (!ambush_.has_value()) return std::nullopt;
    ++questions_;
    if (questions_ > ambush_->nth && ambush_->alone) return Hang();
    if (questions_ != ambush_->nth) return std::nullopt;
    key_ = std::string(request.idempotency_key);
    on_question = ambush_->on_question;
    fault = ambush_->fault;
  }
  if (on_question != nullptr) on_question();
  return fault;
}

void Moment::Watch(Stage stage, const HttpRequest& request) {
  absl::MutexLock lock(&mu_);
  if (!ambush_.has_value() || key_.empty() || stage != ambush_->stage) return;
  if (reached_ || request.header("Idempotency-Key") != key_) return;
  if (ambush_->on_stage != nullptr) ambush_->on_stage();
  reached_ = true;
}

bool Moment::Wait(absl::Duration timeout) const {
  absl::MutexLock lock(&mu_);
  return mu_.AwaitWithTimeout(absl::Condition(&reached_), timeout);
}

std::string Moment::key() const {
  absl::MutexLock lock(&mu_);
  return key_;
}

}  // namespace limbeck::testing
