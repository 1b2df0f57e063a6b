// A wire between a client and a server on this machine that can be held, cut and blackholed.
#pragma once

#include <atomic>
#include <cstddef>
#include <memory>
#include <thread>

#include "absl/status/statusor.h"

namespace limbeck::testing {

enum class Direction { kToServer = 0, kToClient = 1 };

// One thread. Thread-safe.
class TcpProxy {
 public:
  // Listens on a free port of 127.0.0.1 and connects to `target_port` there for each client. A
  // target that is not there shows as a connection that is closed at once.
  static absl::StatusOr<std::unique_ptr<TcpProxy>> Start(int target_port);
  ~TcpProxy();
  TcpProxy(const TcpProxy&) = delete;
  TcpProxy& operator=(const TcpProxy&) = delete;

  int port() const { return port_; }

  // Bytes of one direction are read and kept, until they are let go. An end of the connection is
  // kept behind them.
  void Hold(Direction direction);
  void LetGo(Direction direction);
  // Bytes that are kept now.
  size_t held_bytes(Direction direction) const;

  // Resets every connection; what is kept is lost.
  void ResetAll();

 private:
  class Loop;

  TcpProxy() = default;
  void Wake() const;

  int port_ = 0;
  int wake_fd_ = -1;
  std::atomic<bool> held_[2] = {false, false};
  std::atomic<size_t> held_bytes_[2] = {0, 0};
  std::atomic<bool> reset_{false};
  std::atomic<bool> stop_{false};
  std::thread thread_;
};

}  // namespace limbeck::testing
