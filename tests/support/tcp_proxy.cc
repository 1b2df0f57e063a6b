#include "tests/support/tcp_proxy.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <list>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/loopback_socket.h"

namespace limbeck::testing {
namespace {

constexpr int kBacklog = 128;
constexpr size_t kReadBytes = 64 * 1024;
// More than this is not read ahead of a side that does not take it.
constexpr size_t kMaxKeptBytes = 8u << 20;

// One way of a connection.
struct Pipe {
  int from = -1;
  int to = -1;
  std::string kept;
  bool ended = false;     // `from` sends nothing more.
  bool told_end = false;  // … and `to` knows.
};

struct Link {
  Pipe pipes[2];
  bool broken = false;
};

void Break(Link* link, bool reset) {
  for (const int fd : {link->pipes[0].from, link->pipes[0].to}) {
    const linger hard{1, 0};
    if (reset) setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
    close(fd);
  }
  link->broken = true;
}

// False when the connection is broken.
bool ReadSome(Pipe* pipe) {
  char buffer[kReadBytes];
  const ssize_t bytes = recv(pipe->from, buffer, sizeof(buffer), 0);
  if (bytes > 0) pipe->kept.append(buffer, static_cast<size_t>(bytes));
  if (bytes == 0) pipe->ended = true;
  return bytes >= 0 || errno == EAGAIN || errno == EINTR;
}

bool WriteSome(Pipe* pipe) {
  if (!pipe->kept.empty()) {
    const ssize_t bytes = send(pipe->to, pipe->kept.data(), pipe->kept.size(), MSG_NOSIGNAL);
    if (bytes < 0) return errno == EAGAIN || errno == EINTR;
    pipe->kept.erase(0, static_cast<size_t>(bytes));
  }
  if (pipe->kept.empty() && pipe->ended && !pipe->told_end) {
    pipe->told_end = true;
    shutdown(pipe->to, SHUT_WR);
  }
  return true;
}

}  // namespace

class TcpProxy::Loop {
 public:
  Loop(TcpProxy* proxy, int listen_fd, int target_port)
      : proxy_(proxy), listen_fd_(listen_fd), target_port_(target_port) {}

  ~Loop() {
    for (Link& link : links_) Break(&link, false);
    close(listen_fd_);
  }

  void Run() {
    while (!proxy_->stop_.load()) {
      Wait();
      if (proxy_->reset_.exchange(false)) {
        for (Link& link : links_) Break(&link, true);
      }
      Accept();
      for (Link& link : links_) Serve(&link);
      links_.remove_if([](const Link& link) { return link.broken; });
      Count();
    }
  }

 private:
  bool Held(int direction) const { return proxy_->held_[direction].load(); }

  // Until there is something to do.
  void Wait() {
    std::vector<pollfd> all = {{proxy_->wake_fd_, POLLIN, 0}, {listen_fd_, POLLIN, 0}};
    for (const Link& link : links_) {
      for (int i = 0; i < 2; ++i) {
        const Pipe& pipe = link.pipes[i];
        if (!pipe.ended && pipe.kept.size() < kMaxKeptBytes) all.push_back({pipe.from, POLLIN, 0});
        if (!pipe.kept.empty() && !Held(i)) all.push_back({pipe.to, POLLOUT, 0});
      }
    }
    poll(all.data(), all.size(), -1);
    uint64_t count = 0;
    [[maybe_unused]] const ssize_t drained = read(proxy_->wake_fd_, &count, sizeof(count));
  }

  void Accept() {
    while (true) {
      const int client = accept4(listen_fd_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
      if (client < 0) return;
      const int server = ConnectLoopback(target_port_);
      if (server < 0) {
        close(client);
        continue;
      }
      links_.emplace_back();
      links_.back().pipes[0].from = links_.back().pipes[1].to = client;
      links_.back().pipes[0].to = links_.back().pipes[1].from = server;
    }
  }

  void Serve(Link* link) {
    for (int i = 0; i < 2 && !link->broken; ++i) {
      Pipe& pipe = link->pipes[i];
      bool fine = pipe.ended || pipe.kept.size() >= kMaxKeptBytes || ReadSome(&pipe);
      if (fine && !Held(i)) fine = WriteSome(&pipe);
      if (!fine) Break(link, true);
    }
    if (!link->broken && link->pipes[0].told_end && link->pipes[1].told_end) Break(link, false);
  }

  void Count() {
    for (int i = 0; i < 2; ++i) {
      size_t bytes = 0;
      for (const Link& link : links_) bytes += link.pipes[i].kept.size();
      proxy_->held_bytes_[i].store(bytes);
    }
  }

  TcpProxy* const proxy_;
  const int listen_fd_;
  const int target_port_;
  std::list<Link> links_;
};

absl::StatusOr<std::unique_ptr<TcpProxy>> TcpProxy::Start(int target_port) {
  auto proxy = std::unique_ptr<TcpProxy>(new TcpProxy());
  int listen_fd = -1;
  if (const absl::Status status = ListenLoopback(0, kBacklog, &listen_fd, &proxy->port_);
      !status.ok()) {
    return status;
  }
  proxy->wake_fd_ = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  auto loop = std::make_unique<Loop>(proxy.get(), listen_fd, target_port);
  proxy->thread_ = std::thread([loop = std::move(loop)] { loop->Run(); });
  return proxy;
}

TcpProxy::~TcpProxy() {
  stop_.store(true);
  Wake();
  thread_.join();
  close(wake_fd_);
}

void TcpProxy::Hold(Direction direction) {
  held_[static_cast<int>(direction)].store(true);
  Wake();
}

void TcpProxy::LetGo(Direction direction) {
  held_[static_cast<int>(direction)].store(false);
  Wake();
}

size_t TcpProxy::held_bytes(Direction direction) const {
  return held_bytes_[static_cast<int>(direction)].load();
}

void TcpProxy::ResetAll() {
  reset_.store(true);
  Wake();
}

void TcpProxy::Wake() const {
  const uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = write(wake_fd_, &one, sizeof(one));
}

}  // namespace limbeck::testing
