// Buys claimed queries by batch: gathers them, hands them over, waits, and says how each ended.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "base/clock.h"
#include "gateway/batches/batch_caller.h"
#include "gateway/batches/batch_run.h"
#include "gateway/batches/batch_tools.h"
#include "gateway/dispatch/call.h"

namespace limbeck::gateway {

// A claimed query that waits for its batch's answer. Exactly one of the callbacks comes, once, on a
// thread of the buyer's or of Ask's or Park's caller; neither may block for long.
struct BatchOrder {
  TeacherQuery query;
  // Its key, fence and reservation.
  BatchLine line;
  // How it ended. Whoever is told calls `settled` once the claim is settled, or with why it cannot
  // be; the batch's record is kept until then.
  using Settled = std::function<void(const absl::Status&)>;
  std::function<void(CallOutcome outcome, Settled settled)> done;
  // The wait ends here with the query at the provider: the claim stays as it is for a later
  // process, which finds the batch's record.
  std::function<void()> left;
};

// Thread-safe; one thread of its own. At most max_batches are at the provider.
class BatchBuyer {
 public:
  // `tools` is copied, what it points to borrowed. `owner` names the batches (SettleRecorded).
  // `on_stopped` is called, on the buyer's thread, whenever nothing goes on before the operator
  // acts.
  BatchBuyer(const BatchTools& tools, std::string owner,
             std::function<void(const Failure&)> on_stopped);
  // Parks.
  ~BatchBuyer();
  BatchBuyer(const BatchBuyer&) = delete;
  BatchBuyer& operator=(const BatchBuyer&) = delete;

  const BatchLimits& limits() const { return tools_.limits(); }
  // Queries that it can hold: those at the provider, and as many again.
  size_t capacity() const { return 2 * tools_.limits().max_batches * tools_.limits().max_requests; }

  // A query that cannot be asked ends at once with kBadRequest, after Park with kCancelled.
  void Ask(BatchOrder order);

  // Ends all waiting: what may be at the provider is left there, the rest ends with kCancelled.
  // Waits for nothing but one step of a batch. Idempotent.
  void Park();

 private:
  struct Waiting {
    BatchOrder order;
    std::string text;
  };
  struct Running {
    std::unique_ptr<BatchRun> run;
    std::vector<BatchOrder> orders;  // By line; without callbacks once they were called.
    SteadyTime due;
    absl::Status broken;  // Why answers could not be stored: its record stays.
  };

  void Work();
  // Waits for something to do; false when parked.
  bool Await() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  bool MayStart() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  absl::Duration UntilDue() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void StartBatch();
  void StepDue();
  absl::Status Hand(Running* running, std::vector<BatchResult> results);

  const BatchTools tools_;
  const std::string owner_;
  const std::function<void(const Failure&)> on_stopped_;
  BatchCaller caller_;

  // The thread's alone, and Park's after it.
  std::vector<std::unique_ptr<Running>> running_;

  mutable absl::Mutex mu_;
  std::deque<Waiting> queue_ ABSL_GUARDED_BY(mu_);
  size_t queue_bytes_ ABSL_GUARDED_BY(mu_) = 0;
  SteadyTime last_asked_ ABSL_GUARDED_BY(mu_);
  bool parked_ ABSL_GUARDED_BY(mu_) = false;

  absl::Mutex park_mu_;
  std::thread thread_;
};

}  // namespace limbeck::gateway
