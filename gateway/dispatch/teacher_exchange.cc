// What becomes of what was sent: answers, failures, second tries.
#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/log.h"
#include "gateway/dispatch/pending_call.h"
#include "gateway/dispatch/teacher_scheduler.h"
#include "gateway/teachers/believed_usage.h"

namespace limbeck::gateway {
namespace {

constexpr int kFirstServerError = 500;

CallEnd EndOf(const http::Outcome& outcome, const ParseResult& result) {
  if (outcome.delivery == http::Delivery::kNotSent) return CallEnd::kNotSent;
  if (std::holds_alternative<cache::SoftOutput>(result)) return CallEnd::kAnswered;
  if (std::get<Failure>(result).cls == FailureClass::kRateLimited) return CallEnd::kRateLimited;
  return outcome.response.status_code >= kFirstServerError ? CallEnd::kOverloaded
                                                           : CallEnd::kFailed;
}

// A refusal or a query that is wrong is an answer, too; a 429 asks for fewer tries.
bool ShowsTeacherAtWork(const Failure* failure) {
  return failure == nullptr || failure->cls == FailureClass::kRefused ||
         failure->cls == FailureClass::kBadRequest;
}

}  // namespace

void TeacherScheduler::Send(const PendingPtr& call, uint64_t lease, bool hedge) {
  const Try tried{call, lease, hedge, !hedge && call->tries > 1, clock_->Now()};
  absl::StatusOr<http::Request> request = provider_->BuildRequest(config_, call->call.query);
  if (!request.ok()) {
    http::Outcome outcome;
    outcome.status = request.status();
    return OnOutcome(tried, std::move(outcome));
  }
  request->first_byte_timeout = config_.timeouts.first_byte;
  request->cancelled = call->unwanted;
  request->total_timeout = std::min(request->total_timeout, call->deadline - clock_->Now());
  transport_->Start(*std::move(request), [this, tried](http::Outcome outcome) {
    // Parsing a long answer takes milliseconds, which the transport's thread does not have.
    auto shared = std::make_shared<http::Outcome>(std::move(outcome));
    executor_([this, tried, shared] { OnOutcome(tried, std::move(*shared)); });
  });
}

void TeacherScheduler::Hedge(const PendingPtr& call, uint64_t lease) {
  const absl::Status booked = call->call.on_hedge(1);
  std::optional<Failure> failure;
  Call finished;
  bool send = false;
  {
    absl::MutexLock lock(&mu_);
    call->ambiguous += booked.ok() ? 1 : 0;
    call->booked += booked.ok() ? 1 : 0;
    send = booked.ok() && !call->decided && !shut_down_;
    if (send) {
      ++call->tries;
    } else {
      --call->open;
      if (call->decided) {
        finished = Leave(*call);
      } else if (call->open == 0) {
        // The first try failed while this was being booked.
        failure = LastWord(*call);
      }
    }
  }
  if (send) {
    metrics_.hedges.Add();
    return Send(call, lease, true);
  }
  pool_->Settle(lease, CallEnd::kNotSent, {}, {});
  if (failure.has_value()) return OnFailure(call, *std::move(failure));
  wake_();
}

void TeacherScheduler::OnOutcome(const Try& tried, http::Outcome outcome) {
  const PendingPtr& call = tried.call;
  const absl::Time wall = clock_->WallNow();
  QuotaHints hints;
  ParseResult result = Failure();
  if (outcome.delivery == http::Delivery::kAnswered) {
    if (call->call.on_response != nullptr) call->call.on_response(outcome.response);
    result = provider_->ParseResponse(config_, call->call.query, outcome.response, wall);
    hints = provider_->HintsFor(config_, outcome.response, wall);
  } else {
    result = ClassifyDelivery(outcome);
  }
  TokenCount actual = call->estimate;
  auto* output = std::get_if<cache::SoftOutput>(&result);
  if (output != nullptr) {
    output->usage = BelievedUsage(*output, call->call.query.continuation.empty());
  }
  if (output != nullptr && output->usage.output_tokens + output->usage.input_tokens > 0) {
    actual = {static_cast<int64_t>(output->usage.input_tokens),
              static_cast<int64_t>(output->usage.output_tokens)};
  }
  pool_->Settle(tried.lease, EndOf(outcome, result), actual, hints);
  if (output == nullptr) {
    auto& failure = std::get<Failure>(result);
    // Providers repeat keys that they refuse, and messages end up in front of people.
    failure.message = Redact(failure.message);
    if (failure.cls == FailureClass::kStopTeacher) StopTeacher(failure);
  }
  if (!Conclude(tried, &result)) return;
  if (auto* failure = std::get_if<Failure>(&result)) return OnFailure(call, std::move(*failure));
  if (tried.hedge) metrics_.hedges_won.Add();
  std::vector<cache::SoftOutput> further;
  if (call->call.query.samples > 1) {
    further = provider_->ParseFurther(config_, call->call.query, outcome.response, wall);
  }
  End(call, std::move(result), std::move(further));
}

bool TeacherScheduler::Conclude(const Try& tried, ParseResult* result) {
  Pending& call = *tried.call;
  Call finished;
  {
    absl::MutexLock lock(&mu_);
    const SteadyTime now = clock_->Now();
    const auto* failure = std::get_if<Failure>(result);
    const bool broke = failure != nullptr && (failure->cls == FailureClass::kRetryable ||
                                              failure->cls == FailureClass::kCancelled);
    // A try that was called off says nothing about the teacher.
    const bool called_off = call.decided && broke && failure->cls == FailureClass::kCancelled;
    if (given_up_->load() && failure != nullptr && failure->may_have_been_billed &&
        failure->cls == FailureClass::kCancelled && !call.decided) {
      ++calls_given_up_;
    }
    if (broke && !called_off) breaker_.OnFailure(now);
    if (!broke) breaker_.OnSuccess();
    if (tried.retry && ShowsTeacherAtWork(failure)) budget_.OnAnswered();
    metrics_.circuit_open.Set(breaker_.open() ? 1 : 0);
    --call.open;
    if (!call.decided) {
      call.took = now - tried.sent;
      if (failure == nullptr) {
        call.decided = true;
        call.tries_told = call.tries;
        call.ambiguous_told = call.ambiguous;
        strays_ += call.open;
        // With two tries the flag is the call's own.
        if (call.open > 0) call.unwanted->store(true);
        return true;
      }
      call.billed += failure->may_have_been_billed ? 1 : 0;
      call.last_failure = *failure;
      if (call.open > 0) return false;
      *result = LastWord(call);
      return true;
    }
    finished = Leave(call);
  }
  wake_();
  return false;
}

Failure TeacherScheduler::LastWord(Pending& call) {
  Failure failure = *call.last_failure;
  failure.may_have_been_billed = call.billed > call.booked;
  if (failure.may_have_been_billed) ++call.ambiguous;
  call.tries_told = call.tries;
  call.ambiguous_told = call.ambiguous;
  return failure;
}

Call TeacherScheduler::Leave(Pending& call) {
  --strays_;
  DropFlag(call);
  // Whoever is the last to need the question takes it along.
  return call.ended && call.open == 0 ? std::exchange(call.call, Call()) : Call();
}

void TeacherScheduler::OnFailure(const PendingPtr& call, Failure failure) {
  bool shut_down = false;
  {
    absl::MutexLock lock(&mu_);
    shut_down = shut_down_;
  }
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

void TeacherScheduler::End(const PendingPtr& call, std::variant<cache::SoftOutput, Failure> result,
                           std::vector<cache::SoftOutput> further) {
  call->call.done(
      {std::move(result), std::move(further), call->tries_told, call->ambiguous_told, call->took});
  Call finished;
  {
    absl::MutexLock lock(&mu_);
    // What is left of it waits in deadlines_ for its turn and should be small.
    if (call->open == 0) finished = std::exchange(call->call, Call());
    DropFlag(*call);
    call->ended = true;
    if (call->on_the_way) --in_flight_;
    call->on_the_way = false;
    --calls_;
  }
  wake_();
}

}  // namespace limbeck::gateway
