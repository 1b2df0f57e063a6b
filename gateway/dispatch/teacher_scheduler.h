// The logic of asking one teacher, without threads and without sleeping.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <queue>
#include <utility>
#include <variant>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "base/clock.h"
#include "base/http/transport.h"
#include "base/metrics/metrics.h"
#include "gateway/dispatch/call.h"
#include "gateway/dispatch/circuit_breaker.h"
#include "gateway/dispatch/dispatch_metrics.h"
#include "gateway/dispatch/retry_budget.h"
#include "gateway/limits/fair_queue.h"
#include "gateway/limits/quota_pool.h"
#include "gateway/teachers/teacher.h"

namespace limbeck::gateway {

// Thread-safe. Parsing and callbacks run through `executor`.
class TeacherScheduler {
 public:
  using Executor = std::function<void(std::function<void()>)>;

  // Everything pointed to is borrowed and must outlive the scheduler; `registry` may be null.
  // `wake` is called when Pump has something to do, on the pool's account too; it must only wake a
  // thread.
  TeacherScheduler(const TeacherConfig& config, const Provider* provider, QuotaPool* pool,
                   http::Transport* transport, Clock* clock, const DispatchOptions& options,
                   Executor executor, std::function<void()> wake,
                   metrics::Registry* registry = nullptr);
  // REQUIRES: idle(), and no task of the executor left.
  ~TeacherScheduler();

  // RESOURCE_EXHAUSTED at max_calls, CANCELLED after Shutdown; `done` is not called then.
  absl::Status Ask(Call call);

  // Sends what may be sent and ends what is overdue. Returns when to call again, unless `wake`
  // comes first; absent: only then.
  std::optional<SteadyTime> Pump();

  // Ends all waiting calls with kCancelled; those on the way end as they come, without retries.
  void Shutdown();

  // Shutdown, and calls on the way end soon, too: with kCancelled, as ones that may be billed.
  void GiveUp();

  // Lets a stopped teacher be asked again.
  void Resume();

  DispatchState state() const;
  // No call is left, nor a request whose call ended without it.
  bool idle() const;

 private:
  struct Pending;
  struct Try;
  using PendingPtr = std::shared_ptr<Pending>;
  using Queue = FairQueue<PendingPtr>;
  using FlowPtr = Queue::FlowPtr;
  struct Timed {
    SteadyTime due;
    PendingPtr call;
    bool operator<(const Timed& other) const { return due > other.due; }
  };
  // What one Pump decided, carried out without the lock.
  struct Work {
    std::vector<std::pair<PendingPtr, uint64_t>> send;   // With their leases.
    std::vector<std::pair<PendingPtr, uint64_t>> hedge;  // Likewise.
    std::vector<std::pair<PendingPtr, Failure>> end;
  };

  // Deciding: teacher_scheduler.cc.
  void TakeRetries(SteadyTime now) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void TakeOverdue(SteadyTime now, Work* work) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void TakeHedges(SteadyTime now, Work* work) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // Moves every waiting retry to where Admit ends it.
  void GiveUpRetries() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  std::optional<SteadyTime> Admit(SteadyTime now, Work* work) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void Depart(const PendingPtr& call, SteadyTime now) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  std::optional<SteadyTime> NextDue() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // Carrying out: teacher_exchange.cc.
  void Send(const PendingPtr& call, uint64_t lease, bool hedge);
  void Hedge(const PendingPtr& call, uint64_t lease);
  void OnOutcome(const Try& tried, http::Outcome outcome);
  // Notes the end of a try. True when the call's end follows from it; `result` is then what decides
  // it, otherwise another try is open or has decided it already.
  bool Conclude(const Try& tried, ParseResult* result);
  // The failure of a call whose last open try has ended.
  static Failure LastWord(Pending& call);
  // Ends its flag, where it has one of its own.
  void DropFlag(Pending& call) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // An open try of a decided call is over. Returns what the call needs no more.
  Call Leave(Pending& call) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void OnFailure(const PendingPtr& call, Failure failure);
  // Whether another try is allowed, and after which delay.
  std::optional<absl::Duration> RetryDelay(Pending& call, const Failure& failure) const;
  void Retry(const PendingPtr& call, absl::Duration delay, Failure failure);
  void StopTeacher(const Failure& failure);
  void End(const PendingPtr& call, std::variant<cache::SoftOutput, Failure> result,
           std::vector<cache::SoftOutput> further = {});

  const TeacherConfig config_;
  const Provider* const provider_;
  QuotaPool* const pool_;
  http::Transport* const transport_;
  Clock* const clock_;
  const DispatchOptions options_;
  const Executor executor_;
  const std::function<void()> wake_;
  const DispatchMetrics metrics_;
  // Ends every request that has no flag of its own.
  const std::shared_ptr<std::atomic<bool>> given_up_ = std::make_shared<std::atomic<bool>>(false);
  const uint64_t member_;  // Of the pool.

  mutable absl::Mutex mu_;
  Queue ready_ ABSL_GUARDED_BY(mu_);
  std::priority_queue<Timed> delayed_ ABSL_GUARDED_BY(mu_);
  // Retries that are due and wait for the budget.
  std::deque<PendingPtr> unfunded_ ABSL_GUARDED_BY(mu_);
  std::priority_queue<Timed> deadlines_ ABSL_GUARDED_BY(mu_);
  // First tries that may be hedged, and when.
  std::priority_queue<Timed> slow_ ABSL_GUARDED_BY(mu_);
  size_t calls_ ABSL_GUARDED_BY(mu_) = 0;
  size_t in_flight_ ABSL_GUARDED_BY(mu_) = 0;
  // Open tries whose calls have ended.
  size_t strays_ ABSL_GUARDED_BY(mu_) = 0;
  uint64_t next_call_ ABSL_GUARDED_BY(mu_) = 0;
  CircuitBreaker breaker_ ABSL_GUARDED_BY(mu_);
  RetryBudget budget_ ABSL_GUARDED_BY(mu_);
  RetryBudget hedge_budget_ ABSL_GUARDED_BY(mu_);
  // Flags of calls that may be hedged.
  absl::flat_hash_set<std::shared_ptr<std::atomic<bool>>> own_flags_ ABSL_GUARDED_BY(mu_);
  uint64_t calls_given_up_ ABSL_GUARDED_BY(mu_) = 0;
  // The pool keeps a turn for this teacher.
  bool has_turn_ ABSL_GUARDED_BY(mu_) = false;
  std::optional<Failure> stopped_ ABSL_GUARDED_BY(mu_);
  bool shut_down_ ABSL_GUARDED_BY(mu_) = false;
};

}  // namespace limbeck::gateway
