// The logic of asking one teacher, without threads and without sleeping.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <queue>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "base/backoff.h"
#include "base/clock.h"
#include "base/http/transport.h"
#include "gateway/dispatch/circuit_breaker.h"
#include "gateway/dispatch/retry_budget.h"
#include "gateway/limits/quota_pool.h"
#include "gateway/teachers/teacher.h"

namespace limbeck::gateway {

struct RetryPolicy {
  // Tries that ended in a fault; 429s are counted apart.
  uint32_t max_tries = 5;
  uint32_t max_rate_limited_tries = 50;
  // Tries whose answer was served and unreadable.
  uint32_t max_garbled_tries = 2;
  BackoffPolicy backoff{.initial = absl::Milliseconds(500), .max = absl::Seconds(8)};
  // A fault that asks for a longer wait than this ends the call. A 429 waits with the pool.
  absl::Duration max_wait = absl::Minutes(2);
  RetryBudgetOptions budget;
};

struct DispatchOptions {
  RetryPolicy retry;
  CircuitBreakerOptions breaker;
  // Calls accepted and not yet ended; further ones are refused.
  size_t max_calls = 100'000;
  // Seeds the jitter; two gateways should differ.
  uint64_t jitter_seed = 1;
};

// How one call ended.
struct CallOutcome {
  std::variant<cache::SoftOutput, Failure> result;
  uint32_t tries = 0;
  // Tries that may have been billed without giving a usable answer, the last one included.
  uint32_t ambiguous_tries = 0;
  // Of the last try, from sending to the whole answer; zero when nothing was sent.
  absl::Duration took;

  bool ok() const { return std::holds_alternative<cache::SoftOutput>(result); }
};

struct Call {
  TeacherQuery query;
  // From Ask to `done`; the last try is cut to what is left.
  absl::Duration timeout = absl::Minutes(30);
  // Called before a further try when the one before (counted from 1) may have been billed. It makes
  // that durable; anything but OK ends the call. May block. Without it such a call ends at once.
  std::function<absl::Status(uint32_t attempt)> on_ambiguous;
  // Called exactly once, without locks held; must not block for long.
  std::function<void(CallOutcome)> done;
};

struct DispatchState {
  size_t waiting = 0;    // Accepted, not on the way.
  size_t in_flight = 0;  // On the way, or being read.
  bool circuit_open = false;
  // Why the teacher is stopped, if it is.
  std::optional<Failure> stopped;
};

// Thread-safe. Parsing and callbacks run through `executor`.
class TeacherScheduler {
 public:
  using Executor = std::function<void(std::function<void()>)>;

  // Everything pointed to is borrowed and must outlive the scheduler. `wake` is called when Pump
  // has something to do; it must only wake a thread.
  TeacherScheduler(const TeacherConfig& config, const Provider* provider, QuotaPool* pool,
                   http::Transport* transport, Clock* clock, const DispatchOptions& options,
                   Executor executor, std::function<void()> wake);
  // No call may be in flight.
  ~TeacherScheduler();

  // RESOURCE_EXHAUSTED at max_calls, CANCELLED after Shutdown; `done` is not called then.
  absl::Status Ask(Call call);

  // Sends what may be sent and ends what is overdue. Returns when to call again, unless `wake`
  // comes first; absent: only then.
  std::optional<SteadyTime> Pump();

  // Ends all waiting calls with kCancelled; those on the way end as they come, without retries.
  void Shutdown();

  // Lets a stopped teacher be asked again.
  void Resume();

  DispatchState state() const;
  bool idle() const;

 private:
  struct Pending;
  using PendingPtr = std::shared_ptr<Pending>;
  struct Timed {
    SteadyTime due;
    PendingPtr call;
    bool operator<(const Timed& other) const { return due > other.due; }
  };
  // What one Pump decided, carried out without the lock.
  struct Work {
    std::vector<PendingPtr> send;
    std::vector<std::pair<PendingPtr, Failure>> end;
  };

  void TakeRetries(SteadyTime now) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void TakeOverdue(SteadyTime now, Work* work) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // Moves every waiting retry to where Admit ends it.
  void GiveUpRetries() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  std::optional<SteadyTime> Admit(SteadyTime now, Work* work) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void Send(const PendingPtr& call);
  void OnOutcome(const PendingPtr& call, http::Outcome outcome);
  void OnFailure(const PendingPtr& call, Failure failure);
  // Whether another try is allowed, and after which delay.
  std::optional<absl::Duration> RetryDelay(Pending& call, const Failure& failure) const;
  void Retry(const PendingPtr& call, absl::Duration delay, Failure failure);
  void StopTeacher(const Failure& failure);
  void End(const PendingPtr& call, std::variant<cache::SoftOutput, Failure> result);

  const TeacherConfig config_;
  const Provider* const provider_;
  QuotaPool* const pool_;
  http::Transport* const transport_;
  Clock* const clock_;
  const DispatchOptions options_;
  const Executor executor_;
  const std::function<void()> wake_;

  mutable absl::Mutex mu_;
  std::deque<PendingPtr> ready_ ABSL_GUARDED_BY(mu_);
  std::priority_queue<Timed> delayed_ ABSL_GUARDED_BY(mu_);
  // Retries that are due and wait for the budget.
  std::deque<PendingPtr> unfunded_ ABSL_GUARDED_BY(mu_);
  std::priority_queue<Timed> deadlines_ ABSL_GUARDED_BY(mu_);
  size_t calls_ ABSL_GUARDED_BY(mu_) = 0;
  size_t in_flight_ ABSL_GUARDED_BY(mu_) = 0;
  uint64_t next_call_ ABSL_GUARDED_BY(mu_) = 0;
  CircuitBreaker breaker_ ABSL_GUARDED_BY(mu_);
  RetryBudget budget_ ABSL_GUARDED_BY(mu_);
  std::optional<Failure> stopped_ ABSL_GUARDED_BY(mu_);
  bool shut_down_ ABSL_GUARDED_BY(mu_) = false;
};

}  // namespace limbeck::gateway
