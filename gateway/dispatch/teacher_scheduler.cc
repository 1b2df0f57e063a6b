// What is asked when; teacher_exchange.cc has what becomes of it.
#include "gateway/dispatch/teacher_scheduler.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "gateway/dispatch/pending_call.h"

namespace limbeck::gateway {
namespace {

Failure Ended(FailureClass cls, std::string reason, std::string message) {
  Failure failure;
  failure.cls = cls;
  failure.reason = std::move(reason);
  failure.message = std::move(message);
  return failure;
}

}  // namespace

TeacherScheduler::TeacherScheduler(const TeacherConfig& config, const Provider* provider,
                                   QuotaPool* pool, http::Transport* transport, Clock* clock,
                                   const DispatchOptions& options, Executor executor,
                                   std::function<void()> wake, metrics::Registry* registry)
    : config_(config),
      provider_(provider),
      pool_(pool),
      transport_(transport),
      clock_(clock),
      options_(options),
      executor_(std::move(executor)),
      wake_(std::move(wake)),
      metrics_(registry, config.name),
      member_(pool->Join(wake_)),
      ready_(pool->fair_clock()),
      breaker_(options.breaker),
      budget_(options.retry.budget, clock->Now()),
      hedge_budget_(options.hedges, clock->Now()) {}

TeacherScheduler::~TeacherScheduler() { pool_->Part(member_); }

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
    pending->flow = ready_.FlowOf(pending->call.share);
    deadlines_.push({pending->deadline, pending});
    ready_.Push(pending->flow, pending, pending->cost());
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
    TakeHedges(now, &work);
    next = Admit(now, &work);
    metrics_.waiting.Set(static_cast<double>(calls_ - in_flight_));
  }
  for (auto& [call, failure] : work.end) End(call, std::move(failure));
  for (const auto& [call, lease] : work.send) Send(call, lease, false);
  for (const auto& [call, lease] : work.hedge) {
    executor_([this, call = call, lease = lease] { Hedge(call, lease); });
  }
  // Looked at last: a try that failed at once has left a retry to wait for.
  absl::MutexLock lock(&mu_);
  const std::optional<SteadyTime> due = NextDue();
  if (!next.has_value() || !due.has_value()) return next.has_value() ? next : due;
  return std::min(*next, *due);
}

std::optional<SteadyTime> TeacherScheduler::NextDue() {
  std::optional<SteadyTime> next;
  const auto not_after = [&next](SteadyTime time) {
    next = next.has_value() ? std::min(*next, time) : time;
  };
  if (!delayed_.empty()) not_after(delayed_.top().due);
  if (!deadlines_.empty()) not_after(deadlines_.top().due);
  if (!slow_.empty()) not_after(slow_.top().due);
  // Held up, they go when the calls do that find out.
  if (!unfunded_.empty() && ready_.empty()) not_after(budget_.AvailableAt(clock_->Now()));
  return next;
}

void TeacherScheduler::TakeRetries(SteadyTime now) {
  while (!delayed_.empty() && delayed_.top().due <= now) {
    unfunded_.push_back(delayed_.top().call);
    delayed_.pop();
  }
  if (unfunded_.empty()) return;
  // While nothing succeeds, the few calls that find out whether it is over may as well be first
  // tries. Otherwise retries go first: their rows have waited longest.
  const bool may_go = ready_.empty() || (!breaker_.open() && !pool_->in_storm());
  while (!unfunded_.empty() && (unfunded_.front()->ended || (may_go && budget_.TryTake(now)))) {
    const PendingPtr call = unfunded_.front();
    unfunded_.pop_front();
    if (!call->ended) ready_.PushFront(call->flow, call, call->cost());
  }
}

void TeacherScheduler::GiveUpRetries() {
  const auto give_up = [this](const PendingPtr& call) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
    ready_.Push(call->flow, call, call->cost());
  };
  for (const PendingPtr& call : unfunded_) give_up(call);
  unfunded_.clear();
  while (!delayed_.empty()) {
    give_up(delayed_.top().call);
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
    const absl::Duration parked = pool_->state().parked_for;
    if (parked > absl::ZeroDuration()) {
      absl::StrAppend(&failure.message, "; quota pool ", pool_->name(), " is parked for another ",
                      absl::FormatDuration(absl::Ceil(parked, absl::Seconds(1))),
                      ", as the provider asked");
    }
    work->end.emplace_back(call, std::move(failure));
  }
}

void TeacherScheduler::TakeHedges(SteadyTime now, Work* work) {
  while (!slow_.empty() && (slow_.top().due <= now || slow_.top().call->ended)) {
    const PendingPtr call = slow_.top().call;
    slow_.pop();
    // Only beside a first try that is still alone on its way.
    if (call->ended || call->open != 1 || call->tries != 1 || call->hedged) continue;
    if (shut_down_ || stopped_.has_value() || breaker_.open()) continue;
    if (hedge_budget_.AvailableAt(now) > now) continue;
    const QuotaPool::Admission admission = pool_->AdmitSpare(call->estimate);
    if (!admission.admitted) continue;
    hedge_budget_.TryTake(now);
    call->hedged = true;
    ++call->open;
    work->hedge.emplace_back(call, admission.lease);
  }
}

std::optional<SteadyTime> TeacherScheduler::Admit(SteadyTime now, Work* work) {
  std::optional<SteadyTime> next;
  bool refused = false;
  while (!ready_.empty()) {
    const PendingPtr call = ready_.front();
    if (call->ended) {
      ready_.Drop();
      continue;
    }
    if (shut_down_ || stopped_.has_value()) {
      ready_.Drop();
      call->ended = true;
      work->end.emplace_back(
          call, shut_down_ ? Ended(FailureClass::kCancelled, "CANCELLED", "shut down") : *stopped_);
      continue;
    }
    if (!breaker_.MayStart(now)) {
      next = breaker_.RetryAt();
      break;
    }
    const QuotaPool::Admission admission =
        pool_->Admit(call->estimate, {member_, ready_.start(), ready_.length()});
    if (!admission.admitted) {
      refused = true;
      next = admission.try_at;
      break;
    }
    has_turn_ = false;
    ready_.Pop();
    Depart(call, now);
    work->send.emplace_back(call, admission.lease);
  }
  // A turn that nobody takes up would hold up the pool's other teachers.
  if (has_turn_ && !refused) pool_->Leave(member_);
  has_turn_ = refused;
  return next;
}

void TeacherScheduler::Depart(const PendingPtr& call, SteadyTime now) {
  breaker_.Start();
  call->on_the_way = true;
  call->open = 1;
  call->billed = 0;
  call->booked = 0;
  ++in_flight_;
  if (call->unwanted == nullptr) call->unwanted = given_up_;
  if (++call->tries > 1) {
    metrics_.retries.Add();
    return;
  }
  metrics_.first_tries.Add();
  budget_.OnFirstTry();
  if (call->call.hedge_after < absl::InfiniteDuration() && call->call.on_hedge != nullptr) {
    hedge_budget_.OnFirstTry();
    slow_.push({now + call->call.hedge_after, call});
    call->unwanted = std::make_shared<std::atomic<bool>>(false);
    own_flags_.insert(call->unwanted);
  }
}

void TeacherScheduler::Shutdown() {
  {
    absl::MutexLock lock(&mu_);
    shut_down_ = true;
    GiveUpRetries();
  }
  Pump();
}

void TeacherScheduler::GiveUp() {
  Shutdown();
  given_up_->store(true);
  absl::MutexLock lock(&mu_);
  for (const auto& flag : own_flags_) flag->store(true);
}

void TeacherScheduler::DropFlag(Pending& call) {
  if (call.open == 0 && call.unwanted != given_up_) own_flags_.erase(call.unwanted);
}

void TeacherScheduler::Resume() {
  {
    absl::MutexLock lock(&mu_);
    stopped_.reset();
  }
  wake_();
}

DispatchState TeacherScheduler::state() const {
  const absl::Duration parked_for = pool_->state().parked_for;
  absl::MutexLock lock(&mu_);
  return {calls_ - in_flight_, in_flight_, breaker_.open(), stopped_, parked_for, calls_given_up_};
}

bool TeacherScheduler::idle() const {
  absl::MutexLock lock(&mu_);
  return calls_ == 0 && strays_ == 0;
}

}  // namespace limbeck::gateway
