// A real HTTP/1.1 server on 127.0.0.1 that misbehaves on request: it delays, cuts and resets.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "tests/support/http_parser.h"

namespace limbeck::testing {

enum class Ending {
  kWhole,        // The whole answer.
  kResetBefore,  // RST without a byte.
  kResetMid,     // The head and half of the body, then RST.
  kCloseMid,     // The head and half of the body, then FIN: a cut answer.
  kHang          // Never an answer; the connection stays open.
};

struct HttpReply {
  int status = 200;
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
  absl::Duration delay;
  Ending ending = Ending::kWhole;
  // The exact bytes to send instead of all of the above (but `delay`); not owned, must live as
  // long as the server. For benchmarks.
  const std::string* raw = nullptr;
};

// One event-loop thread.
class LoopbackServer {
 public:
  // Runs on the loop thread and must not block.
  using Handler = std::function<HttpReply(const HttpRequest&)>;
  // Called on the loop thread after the handler ran for every request that arrived together and
  // before any of their answers is sent; where an invoice is made durable.
  using BeforeSend = std::function<void()>;

  // Port 0 picks a free one.
  static absl::StatusOr<std::unique_ptr<LoopbackServer>> Start(int port, Handler handler,
                                                               BeforeSend before_send = nullptr);
  ~LoopbackServer();
  LoopbackServer(const LoopbackServer&) = delete;
  LoopbackServer& operator=(const LoopbackServer&) = delete;

  int port() const { return port_; }
  std::string url() const;
  // Connections accepted so far, and requests read so far.
  size_t connections() const { return connections_.load(); }
  size_t requests() const { return requests_.load(); }

 private:
  class Loop;

  LoopbackServer() = default;

  int port_ = 0;
  int stop_fd_ = -1;
  std::atomic<size_t> connections_{0};
  std::atomic<size_t> requests_{0};
  std::thread thread_;
};

}  // namespace limbeck::testing
