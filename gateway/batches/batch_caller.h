// Requests about batches: few and slow, each waited for.
#pragma once

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "base/http/transport.h"

namespace limbeck::gateway {

// Thread-safe.
class BatchCaller {
 public:
  // Borrows the transport.
  explicit BatchCaller(http::Transport* transport) : transport_(transport) {}

  // Waits for the outcome; after Stop it is CANCELLED at once, and a request that is on the way may
  // still be served: unless the transport says otherwise its delivery is unknown.
  http::Outcome Call(http::Request request);
  // Waits; false when Stop came first.
  bool Sleep(absl::Duration duration);

  // Ends every Call and Sleep, for good.
  void Stop();
  bool stopped() const;

 private:
  http::Transport* const transport_;
  mutable absl::Mutex mu_;
  bool stopped_ ABSL_GUARDED_BY(mu_) = false;
};

}  // namespace limbeck::gateway
