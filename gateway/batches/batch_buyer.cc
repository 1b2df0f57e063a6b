#include "gateway/batches/batch_buyer.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/hash.h"
#include "base/status.h"
#include "base/string_view.h"

namespace limbeck::gateway {
namespace {

constexpr size_t kIdBytes = 16;
// What nobody announces is looked for this often: a stop while results are being settled.
constexpr absl::Duration kTick = absl::Milliseconds(50);

CallOutcome FailedOutcome(FailureClass cls, std::string reason, std::string message) {
  Failure failure;
  failure.cls = cls;
  failure.reason = std::move(reason);
  failure.message = std::move(message);
  CallOutcome outcome;
  outcome.result = std::move(failure);
  return outcome;
}

void IgnoreSettled(const absl::Status&) {}

CallOutcome NeverSentOutcome() {
  return FailedOutcome(FailureClass::kCancelled, "NOT_SENT", "the batch was not made");
}

// Counts down what is being settled.
struct Countdown {
  absl::Mutex mu;
  size_t left ABSL_GUARDED_BY(mu) = 0;
  absl::Status status ABSL_GUARDED_BY(mu);
};

}  // namespace

BatchBuyer::BatchBuyer(const BatchTools& tools, std::string owner,
                       std::function<void(const Failure&)> on_stopped)
    : tools_(tools),
      owner_(std::move(owner)),
      on_stopped_(std::move(on_stopped)),
      caller_(tools.transport),
      thread_([this] { Work(); }) {}

BatchBuyer::~BatchBuyer() { Park(); }

void BatchBuyer::Ask(BatchOrder order) {
  auto text = tools_.api().Line(*tools_.config, order.query, CustomId(order.line));
  if (!text.ok()) {
    order.done(FailedOutcome(FailureClass::kBadRequest, "REQUEST_INVALID",
                             std::string(ToStd(text.status().message()))),
               IgnoreSettled);
    return;
  }
  if (text->size() > tools_.limits().max_bytes) {
    order.done(FailedOutcome(FailureClass::kBadRequest, "REQUEST_TOO_LONG",
                             absl::StrCat("its line has ", text->size(), " bytes, a batch at most ",
                                          tools_.limits().max_bytes)),
               IgnoreSettled);
    return;
  }
  {
    absl::MutexLock lock(&mu_);
    if (!parked_) {
      // Its text is in the line, and its asker has it too.
      order.query = {};
      queue_bytes_ += text->size();
      last_asked_ = tools_.clock->Now();
      queue_.push_back({std::move(order), *std::move(text)});
      return;
    }
  }
  order.done(NeverSentOutcome(), IgnoreSettled);
}

bool BatchBuyer::MayStart() const {
  const BatchLimits& limits = tools_.limits();
  if (queue_.empty() || running_.size() >= limits.max_batches) return false;
  return queue_.size() >= limits.max_requests || queue_bytes_ >= limits.max_bytes ||
         tools_.clock->Now() - last_asked_ >= limits.gather;
}

absl::Duration BatchBuyer::UntilDue() const {
  const SteadyTime now = tools_.clock->Now();
  absl::Duration wait = kTick;
  for (const auto& running : running_) wait = std::min(wait, running->due - now);
  return std::max(wait, absl::ZeroDuration());
}

bool BatchBuyer::Await() {
  const auto something = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
    return parked_ || MayStart() || UntilDue() == absl::ZeroDuration();
  };
  while (!something()) {
    mu_.AwaitWithTimeout(absl::Condition(&parked_), UntilDue());
  }
  return !parked_;
}

void BatchBuyer::Work() {
  while (true) {
    bool start = false;
    {
      absl::MutexLock lock(&mu_);
      if (!Await()) return;
      start = MayStart();
    }
    if (start) StartBatch();
    StepDue();
  }
}

void BatchBuyer::StartBatch() {
  auto running = std::make_unique<Running>();
  BatchRecord record;
  record.owner = owner_;
  record.id = HexEncode(RandomBytes(kIdBytes));
  record.teacher = tools_.config->name;
  record.created = tools_.clock->WallNow();
  std::string text;
  {
    absl::MutexLock lock(&mu_);
    const BatchLimits& limits = tools_.limits();
    while (!queue_.empty() && record.lines.size() < limits.max_requests &&
           text.size() + queue_.front().text.size() <= limits.max_bytes) {
      Waiting& next = queue_.front();
      text += next.text;
      queue_bytes_ -= next.text.size();
      record.lines.push_back(next.order.line);
      running->orders.push_back(std::move(next.order));
      queue_.pop_front();
    }
  }
  running->due = tools_.clock->Now();
  running->run = std::make_unique<BatchRun>(
      tools_, &caller_, std::move(record), std::move(text),
      [this, raw = running.get()](const BatchRecord&, std::vector<BatchResult> results) {
        return Hand(raw, std::move(results));
      });
  running_.push_back(std::move(running));
}

void BatchBuyer::StepDue() {
  for (auto it = running_.begin(); it != running_.end() && !caller_.stopped();) {
    Running& running = **it;
    if (running.due > tools_.clock->Now()) {
      ++it;
      continue;
    }
    const BatchStep step = running.run->Step();
    if (step.stopped.has_value() && !caller_.stopped()) on_stopped_(*step.stopped);
    running.due = tools_.clock->Now() + step.wait;
    it = step.ended ? running_.erase(it) : it + 1;
  }
}

absl::Status BatchBuyer::Hand(Running* running, std::vector<BatchResult> results) {
  if (!running->broken.ok()) return running->broken;
  auto countdown = std::make_shared<Countdown>();
  const auto settled = [countdown](const absl::Status& status) {
    absl::MutexLock lock(&countdown->mu);
    --countdown->left;
    countdown->status.Update(status);
  };
  for (BatchResult& result : results) {
    const BatchOrder order = std::exchange(running->orders[result.line], {});
    // An earlier try may have handed it on.
    if (order.done == nullptr) continue;
    {
      absl::MutexLock lock(&countdown->mu);
      ++countdown->left;
    }
    order.done(std::move(result.outcome), settled);
  }
  absl::MutexLock lock(&countdown->mu);
  const auto none_left = [&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(countdown->mu) {
    return countdown->left == 0;
  };
  while (!countdown->mu.AwaitWithTimeout(absl::Condition(&none_left), kTick)) {
    if (caller_.stopped()) return absl::CancelledError("stopped while answers are being stored");
  }
  running->broken = countdown->status;
  return running->broken;
}

void BatchBuyer::Park() {
  absl::MutexLock parking(&park_mu_);
  {
    absl::MutexLock lock(&mu_);
    parked_ = true;
  }
  caller_.Stop();
  if (thread_.joinable()) thread_.join();
  for (const auto& running : running_) {
    const bool recorded = running->run->recorded();
    for (BatchOrder& order : running->orders) {
      if (order.done == nullptr) continue;
      if (recorded) {
        order.left();
      } else {
        order.done(NeverSentOutcome(), IgnoreSettled);
      }
    }
  }
  running_.clear();
  std::deque<Waiting> queue;
  {
    absl::MutexLock lock(&mu_);
    queue.swap(queue_);
  }
  for (Waiting& waiting : queue) waiting.order.done(NeverSentOutcome(), IgnoreSettled);
}

}  // namespace limbeck::gateway
