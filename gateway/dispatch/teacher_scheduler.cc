#include "gateway/dispatch/teacher_scheduler.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "base/log.h"
#include "gateway/teachers/cost.h"

namespace limbeck::gateway {
namespace {

Failure Ended(FailureClass cls, std::string reason, std::string message) {
  Failure failure;
  failure.cls = cls;
  failure.reason = std::move(reason);
  failure.message = std::move(message);
  return failure;
}

CallEnd EndOf(const http::Outcome& outcome, const ParseResult& result) {
  if (outcome.delivery == http::Delivery::kNotSent) return CallEnd::kNotSent;
  if (std::holds_alternative<cache::SoftOutput>(result)) return CallEnd::kAnswered;
  return std::get<Failure>(result).cls == FailureClass::kRateLimited ? CallEnd::kRateLimited
                                                                     : CallEnd::kFailed;
}

}  // namespace

struct TeacherScheduler::Pending {
  Pending(Call call_in, SteadyTime deadline_in, Backoff backoff_in)
      : call(std::move(call_in)),
        deadline(deadline_in),
        estimate(EstimateTokens(call.query)),
        backoff(std::move(backoff_in)) {}

  Call call;
  const SteadyTime deadline;
  const TokenCount estimate;
  Backoff backoff;
  uint64_t lease = 0;
  uint32_t tries = 0;
  uint32_t rate_limited = 0;
  uint32_t garbled = 0;
  uint32_t ambiguous = 0;
  // Why the last try failed; what the call ends with if its deadline comes first.
  std::optional<Failure> last_failure;
  // Guarded by the scheduler's mu_: ended, or on the way, and so not to be touched by deadlines.
  bool ended = false;
  bool on_the_way = false;
  // The next try is a retry that the budget pays for. A 429 costs the provider nothing and is paced
  // by the pool, so its retries are not.
  bool needs_budget = false;
};

TeacherScheduler::TeacherScheduler(const TeacherConfig& config, const Provider* provider,
                                   QuotaPool* pool, http::Transport* transport, Clock* clock,
                                   const DispatchOptions& options, Executor executor,
                                   std::function<void()> wake)
    : config_(config),
      provider_(provider),
      pool_(pool),
      transport_(transport),
      clock_(clock),
      options_(options),
      executor_(std::move(executor)),
      wake_(std::move(wake)),
      breaker_(options.breaker),
      budget_(options.retry.budget, clock->Now()) {}

TeacherScheduler::~TeacherScheduler() = default;

absl::Status TeacherScheduler::Ask(Call call) {
  const SteadyTime now = clock_->Now();
  {
    absl::MutexLock lock(&mu_);
    if (shut_down_) return absl::CancelledError("teacher client was shut down");
    if (calls_ >= options_.max_calls) {
      return absl::ResourceExhaustedError(
          absl::StrCat("teacher ", config_.name, ": max_calls = ", options_.max_calls));
    }
    ++calls_;
    auto pending = std::make_shared<Pending>(
        std::move(call), now + call.timeout,
        Backoff(options_.retry.backoff, StableRandom(options_.jitter_seed, next_call_++)));
    deadlines_.push({pending->deadline, pending});
    ready_.push_back(std::move(pending));
  }
  wake_();
  return absl::OkStatus();
}

std::optional<SteadyTime> TeacherScheduler::Pump() {
  Work work;
  std::optional<SteadyTime> next;
  {
    absl::MutexLock lock(&mu_);
    const SteadyTime now = clock_->Now();
    TakeRetries(now);
    TakeOverdue(now, &work);
    next = Admit(now, &work);
  }
  for (auto& [call, failure] : work.end) End(call, std::move(failure));
  for (const PendingPtr& call : work.send) Send(call);
  // Looked at last: a try that failed at once has left a retry to wait for.
  absl::MutexLock lock(&mu_);
  const auto not_after = [&next](SteadyTime time) {
    next = next.has_value() ? std::min(*next, time) : time;
  };
  if (!delayed_.empty()) not_after(delayed_.top().due);
  if (!deadlines_.empty()) not_after(deadlines_.top().due);
  if (!unfunded_.empty()) not_after(budget_.AvailableAt(clock_->Now()));
  return next;
}

void TeacherScheduler::TakeRetries(SteadyTime now) {
  // Retries go first: their rows have waited longest.
  while (!delayed_.empty() && delayed_.top().due <= now) {
    const PendingPtr call = delayed_.top().call;
    delayed_.pop();
    if (call->needs_budget) {
      unfunded_.push_back(call);
    } else {
      ready_.push_front(call);
    }
  }
  while (!unfunded_.empty() && (unfunded_.front()->ended || budget_.TryTake(now))) {
    ready_.push_front(unfunded_.front());
    unfunded_.pop_front();
  }
}

void TeacherScheduler::GiveUpRetries() {
  for (const PendingPtr& call : unfunded_) ready_.push_back(call);
  unfunded_.clear();
  while (!delayed_.empty()) {
    ready_.push_back(delayed_.top().call);
    delayed_.pop();
  }
}

void TeacherScheduler::TakeOverdue(SteadyTime now, Work* work) {
  while (!deadlines_.empty() && (deadlines_.top().due <= now || deadlines_.top().call->ended)) {
    const PendingPtr call = deadlines_.top().call;
    deadlines_.pop();
    // A try on the way has a timeout that ends at the deadline.
    if (call->ended || call->on_the_way) continue;
    call->ended = true;
    Failure failure = Ended(FailureClass::kDeadline, "DEADLINE", "the call's time ran out");
    if (call->last_failure.has_value()) {
      absl::StrAppend(&failure.message, "; last try: ", call->last_failure->message);
    }
    work->end.emplace_back(call, std::move(failure));
  }
}

std::optional<SteadyTime> TeacherScheduler::Admit(SteadyTime now, Work* work) {
  while (!ready_.empty()) {
    const PendingPtr call = ready_.front();
    if (call->ended) {
      ready_.pop_front();
      continue;
    }
    if (shut_down_ || stopped_.has_value()) {
      ready_.pop_front();
      call->ended = true;
      work->end.emplace_back(
          call, shut_down_ ? Ended(FailureClass::kCancelled, "CANCELLED", "shut down") : *stopped_);
      continue;
    }
    if (!breaker_.MayStart(now)) return breaker_.RetryAt();
    const QuotaPool::Admission admission = pool_->Admit(call->estimate);
    if (!admission.admitted) return admission.try_at;
    breaker_.Start();
    ready_.pop_front();
    call->lease = admission.lease;
    call->on_the_way = true;
    ++in_flight_;
    if (call->tries == 0) budget_.OnFirstTry(now);
    work->send.push_back(call);
  }
  return std::nullopt;
}

void TeacherScheduler::Send(const PendingPtr& call) {
  ++call->tries;
  absl::StatusOr<http::Request> request = provider_->BuildRequest(config_, call->call.query);
  if (!request.ok()) {
    http::Outcome outcome;
    outcome.status = request.status();
    return OnOutcome(call, std::move(outcome));
  }
  request->total_timeout = std::min(request->total_timeout, call->deadline - clock_->Now());
  transport_->Start(*std::move(request), [this, call](http::Outcome outcome) {
    // Parsing a long answer takes milliseconds, which the transport's thread does not have.
    auto shared = std::make_shared<http::Outcome>(std::move(outcome));
    executor_([this, call, shared] { OnOutcome(call, std::move(*shared)); });
  });
}

void TeacherScheduler::OnOutcome(const PendingPtr& call, http::Outcome outcome) {
  const absl::Time wall = clock_->WallNow();
  QuotaHints hints;
  ParseResult result = Failure();
  if (outcome.delivery == http::Delivery::kAnswered) {
    result = provider_->ParseResponse(config_, call->call.query, outcome.response, wall);
    hints = provider_->ParseHints(outcome.response, wall);
  } else {
    result = ClassifyDelivery(outcome);
  }
  TokenCount actual = call->estimate;
  const auto* output = std::get_if<cache::SoftOutput>(&result);
  if (output != nullptr && output->usage.output_tokens + output->usage.input_tokens > 0) {
    actual = {static_cast<int64_t>(output->usage.input_tokens),
              static_cast<int64_t>(output->usage.output_tokens)};
  }
  pool_->Settle(call->lease, EndOf(outcome, result), actual, hints);
  if (output == nullptr) return OnFailure(call, std::get<Failure>(std::move(result)));
  {
    absl::MutexLock lock(&mu_);
    breaker_.OnSuccess();
  }
  End(call, std::move(result));
}

void TeacherScheduler::OnFailure(const PendingPtr& call, Failure failure) {
  // Providers repeat keys that they refuse, and messages end up in front of people.
  failure.message = Redact(failure.message);
  if (failure.may_have_been_billed) ++call->ambiguous;
  bool shut_down = false;
  {
    absl::MutexLock lock(&mu_);
    shut_down = shut_down_;
    if (failure.cls == FailureClass::kRetryable || failure.cls == FailureClass::kCancelled) {
      breaker_.OnFailure(clock_->Now());
    } else {
      breaker_.OnSuccess();
    }
  }
  if (failure.cls == FailureClass::kStopTeacher) StopTeacher(failure);
  const std::optional<absl::Duration> delay = RetryDelay(*call, failure);
  if (!delay.has_value() || shut_down) return End(call, std::move(failure));
  if (failure.may_have_been_billed) {
    if (call->call.on_ambiguous == nullptr) return End(call, std::move(failure));
    if (absl::Status noted = call->call.on_ambiguous(call->tries); !noted.ok()) {
      absl::StrAppend(&failure.message,
                      "; no further try, since this one could not be booked: ", noted.message());
      return End(call, std::move(failure));
    }
  }
  Retry(call, *delay, std::move(failure));
}

std::optional<absl::Duration> TeacherScheduler::RetryDelay(Pending& call,
                                                           const Failure& failure) const {
  const RetryPolicy& policy = options_.retry;
  const absl::Duration hint = failure.wait_hint.value_or(absl::ZeroDuration());
  switch (failure.cls) {
    case FailureClass::kRateLimited:
      // The pool's pause is the wait; the backoff spreads the calls behind it.
      if (++call.rate_limited >= policy.max_rate_limited_tries) return std::nullopt;
      return call.backoff.Next();
    case FailureClass::kGarbled:
      if (++call.garbled >= policy.max_garbled_tries) return std::nullopt;
      return call.backoff.Next();
    case FailureClass::kRetryable:
      if (call.tries - call.rate_limited >= policy.max_tries || hint > policy.max_wait) {
        return std::nullopt;
      }
      return std::max(call.backoff.Next(), hint);
    default:
      return std::nullopt;
  }
}

void TeacherScheduler::Retry(const PendingPtr& call, absl::Duration delay, Failure failure) {
  bool too_late = false;
  {
    absl::MutexLock lock(&mu_);
    const SteadyTime due = clock_->Now() + delay;
    too_late = due >= call->deadline || shut_down_;
    if (!too_late) {
      --in_flight_;
      call->on_the_way = false;
      call->last_failure = failure;
      call->needs_budget = failure.cls != FailureClass::kRateLimited;
      delayed_.push({due, call});
      deadlines_.push({call->deadline, call});
    }
  }
  if (too_late) return End(call, std::move(failure));
  wake_();
}

void TeacherScheduler::StopTeacher(const Failure& failure) {
  absl::MutexLock lock(&mu_);
  if (stopped_.has_value()) return;
  stopped_ = failure;
  // What it costs is the business of the call that was answered so, not of those never sent.
  stopped_->may_have_been_billed = false;
  GiveUpRetries();
}

void TeacherScheduler::End(const PendingPtr& call,
                           std::variant<cache::SoftOutput, Failure> result) {
  call->call.done({std::move(result), call->tries, call->ambiguous});
  // What is left of it waits in deadlines_ for its turn and should be small.
  call->call = Call();
  {
    absl::MutexLock lock(&mu_);
    call->ended = true;
    if (call->on_the_way) --in_flight_;
    call->on_the_way = false;
    --calls_;
  }
  wake_();
}

void TeacherScheduler::Shutdown() {
  {
    absl::MutexLock lock(&mu_);
    shut_down_ = true;
    GiveUpRetries();
  }
  Pump();
}

void TeacherScheduler::Resume() {
  {
    absl::MutexLock lock(&mu_);
    stopped_.reset();
  }
  wake_();
}

DispatchState TeacherScheduler::state() const {
  absl::MutexLock lock(&mu_);
  return {calls_ - in_flight_, in_flight_, breaker_.open(), stopped_};
}

bool TeacherScheduler::idle() const {
  absl::MutexLock lock(&mu_);
  return calls_ == 0;
}

}  // namespace limbeck::gateway
