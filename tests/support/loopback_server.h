// A real HTTP/1.1 server on 127.0.0.1 that misbehaves on request: it delays, cuts and resets.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "tests/support/http_parser.h"
#include "tests/support/http_reply.h"

namespace limbeck::testing {

// What became of a request, as the server's end of the connection sees it.
enum class Stage {
  kReceived,  // Read whole; nothing was answered.
  kHeld,      // A part of the answer was sent, and no more is coming (Ending::kHoldMid).
  kSent,      // The last byte was handed to the kernel.
  kClosed     // The connection went, with or without an answer.
};

// One event-loop thread.
class LoopbackServer {
 public:
  // Runs on the loop thread and must not block.
  using Handler = std::function<HttpReply(const HttpRequest&)>;
  // Called on the loop thread after the handler ran for every request that arrived together and
  // before any of their answers is sent; where an invoice is made durable.
  using BeforeSend = std::function<void()>;
  // Called on the loop thread with the request that the handler saw, and must not block.
  using Watcher = std::function<void(Stage, const HttpRequest&)>;

  // Port 0 picks a free one.
  static absl::StatusOr<std::unique_ptr<LoopbackServer>> Start(int port, Handler handler,
                                                               BeforeSend before_send = nullptr,
                                                               Watcher watcher = nullptr);
  ~LoopbackServer();
  LoopbackServer(const LoopbackServer&) = delete;
  LoopbackServer& operator=(const LoopbackServer&) = delete;

  int port() const { return port_; }
  std::string url() const;
  // Connections accepted so far, and requests read so far.
  size_t connections() const { return connections_.load(); }
  size_t requests() const { return requests_.load(); }

  // Waits until every connection that was made before this call has ended and all that came over it
  // was handled: what a client that died had sent may lie unread for long on a busy machine. False
  // when some last longer. Not while accepting is stopped.
  bool WaitUntilAlone(absl::Duration timeout);

  // From now on connections are not even accepted by the kernel: whoever connects waits, with
  // nothing sent. Idle ones that were accepted before stay. Not to be called twice in a row.
  absl::Status StopAccepting();
  void ResumeAccepting();

 private:
  class Loop;

  LoopbackServer() = default;
  void SetOpen(size_t connections);

  int port_ = 0;
  int stop_fd_ = -1;
  int listen_fd_ = -1;
  int epoll_fd_ = -1;
  // Connections of our own that fill the kernel's queue.
  std::vector<int> fillers_;
  std::atomic<size_t> connections_{0};
  std::atomic<size_t> requests_{0};
  absl::Mutex mu_;
  size_t open_ ABSL_GUARDED_BY(mu_) = 0;
  std::thread thread_;
};

}  // namespace limbeck::testing
