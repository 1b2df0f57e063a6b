// Asks one teacher: the scheduler with the threads that drive it.
#pragma once

#include <memory>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "base/http/transport.h"
#include "base/metrics/metrics.h"
#include "gateway/dispatch/teacher_scheduler.h"

namespace limbeck::gateway {

struct TeacherClientOptions {
  DispatchOptions dispatch;
  // Threads that parse answers and run callbacks.
  size_t parse_threads = 2;
  // Borrowed; null discards metrics.
  metrics::Registry* registry = nullptr;
};

// Thread-safe.
class TeacherClient {
 public:
  // `provider`, `pool` (shared by the teachers of one account) and `transport` (shared by all) are
  // borrowed. The pool must outlive the client. The client's destructor waits for what is on the
  // way: to end quickly, call Shutdown and destroy the transport first.
  static std::unique_ptr<TeacherClient> Create(const TeacherConfig& config,
                                               const Provider* provider, QuotaPool* pool,
                                               http::Transport* transport,
                                               const TeacherClientOptions& options = {});
  virtual ~TeacherClient() = default;

  // Starts a call and returns at once. `call.done` comes on one of the client's threads, and only
  // when Ask returned OK. RESOURCE_EXHAUSTED: max_calls. CANCELLED: shut down.
  virtual absl::Status Ask(Call call) = 0;

  // Ends waiting calls with kCancelled; those on the way end as they come, without retries.
  virtual void Shutdown() = 0;

  // Shutdown, and calls on the way end soon, too: with kCancelled, as ones that may be billed.
  // Their number is then in state().
  virtual void GiveUp() = 0;

  // Lets a teacher that was stopped (key, money, permission) be asked again.
  virtual void Resume() = 0;

  virtual DispatchState state() const = 0;
};

}  // namespace limbeck::gateway
