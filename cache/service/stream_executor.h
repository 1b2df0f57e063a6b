// Threads that read packs for streams, so that a slow disk never holds up the RPC library's own.
#pragma once

#include <deque>
#include <functional>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"

namespace limbeck::cache {

// Thread-safe.
class StreamExecutor {
 public:
  explicit StreamExecutor(int threads);
  // Runs what is posted already, then stops.
  ~StreamExecutor();

  // Never blocks. Each stream has at most one task posted, which bounds the queue.
  void Post(std::function<void()> task);

 private:
  void Loop();

  absl::Mutex mu_;
  std::deque<std::function<void()>> tasks_ ABSL_GUARDED_BY(mu_);
  bool stopping_ ABSL_GUARDED_BY(mu_) = false;
  std::vector<std::thread> threads_;
};

}  // namespace limbeck::cache
