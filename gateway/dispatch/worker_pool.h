// A few threads that run what others hand over.
#pragma once

#include <deque>
#include <functional>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"

namespace limbeck::gateway {

// First in, first out. Run never blocks: the queue has no limit of its own, its users bound what
// they hand over (dispatch: one task per transfer in flight). Thread-safe.
class WorkerPool {
 public:
  explicit WorkerPool(size_t threads);
  // Runs what was handed over, then joins.
  ~WorkerPool();
  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;

  void Run(std::function<void()> task);
  size_t queued() const;

 private:
  void Work();
  bool MayTake() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) { return stopping_ || !tasks_.empty(); }

  mutable absl::Mutex mu_;
  std::deque<std::function<void()>> tasks_ ABSL_GUARDED_BY(mu_);
  bool stopping_ ABSL_GUARDED_BY(mu_) = false;
  std::vector<std::thread> threads_;
};

}  // namespace limbeck::gateway
