#include "tests/support/loopback_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <queue>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"

namespace limbeck::testing {
namespace {

constexpr int kMaxEvents = 512;
constexpr int kBacklog = 4096;

struct Connection {
  int fd = -1;
  std::string in;
  std::string out;
  size_t sent = 0;
  bool busy = false;  // A request is being answered: the next one waits in `in`.
  bool keep_alive = true;
  Ending ending = Ending::kWhole;
  bool wants_write = false;
};

std::string Serialize(const HttpReply& reply, bool keep_alive) {
  std::string out = absl::StrCat("HTTP/1.1 ", reply.status, " X\r\n");
  for (const auto& [name, value] : reply.headers) absl::StrAppend(&out, name, ": ", value, "\r\n");
  absl::StrAppend(&out, "Content-Length: ", reply.body.size(), "\r\n");
  if (!keep_alive) absl::StrAppend(&out, "Connection: close\r\n");
  const bool whole = reply.ending == Ending::kWhole;
  absl::StrAppend(
      &out, "\r\n",
      absl::string_view(reply.body).substr(0, whole ? reply.body.size() : reply.body.size() / 2));
  return out;
}

}  // namespace

// The loop's state; lives on the loop thread.
class LoopbackServer::Loop {
 public:
  Loop(LoopbackServer* server, int listen_fd, int epoll_fd, Handler handler, BeforeSend before)
      : server_(server),
        listen_fd_(listen_fd),
        epoll_fd_(epoll_fd),
        handler_(std::move(handler)),
        before_send_(std::move(before)) {}

  ~Loop() {
    for (auto& [id, connection] : connections_) close(connection->fd);
    close(listen_fd_);
    close(epoll_fd_);
  }

  void Run();

  static constexpr uint64_t kListenToken = 0;
  static constexpr uint64_t kStopToken = 1;

 private:
  struct Answer {
    uint64_t connection = 0;
    HttpReply reply;
  };
  struct Delayed {
    absl::Time due;
    uint64_t connection = 0;
    std::shared_ptr<HttpReply> reply;
    bool operator<(const Delayed& other) const { return due > other.due; }
  };

  void Accept();
  void Read(uint64_t id);
  void TakeRequest(uint64_t id);
  void SendAnswers();
  void Deliver(uint64_t id, const HttpReply& reply);
  void Flush(uint64_t id);
  void Close(uint64_t id, bool reset);
  int WaitMilliseconds() const;

  LoopbackServer* const server_;
  const int listen_fd_;
  const int epoll_fd_;
  const Handler handler_;
  const BeforeSend before_send_;
  uint64_t next_id_ = 2;
  absl::flat_hash_map<uint64_t, std::unique_ptr<Connection>> connections_;
  std::vector<Answer> answers_;
  std::priority_queue<Delayed> delayed_;
};

void LoopbackServer::Loop::Run() {
  epoll_event events[kMaxEvents];
  while (true) {
    const int count = epoll_wait(epoll_fd_, events, kMaxEvents, WaitMilliseconds());
    for (int i = 0; i < count; ++i) {
      const uint64_t id = events[i].data.u64;
      if (id == kStopToken) return;
      if (id == kListenToken) {
        Accept();
      } else {
        if (events[i].events & EPOLLOUT) Flush(id);
        if (events[i].events & ~static_cast<uint32_t>(EPOLLOUT)) Read(id);
      }
    }
    // Answering may uncover pipelined requests, whose answers go through the same gate.
    while (!answers_.empty()) SendAnswers();
    while (!delayed_.empty() && delayed_.top().due <= absl::Now()) {
      const Delayed due = delayed_.top();
      delayed_.pop();
      Deliver(due.connection, *due.reply);
    }
    while (!answers_.empty()) SendAnswers();
  }
}

int LoopbackServer::Loop::WaitMilliseconds() const {
  if (delayed_.empty()) return -1;
  const absl::Duration wait = delayed_.top().due - absl::Now();
  if (wait <= absl::ZeroDuration()) return 0;
  return static_cast<int>(absl::ToInt64Milliseconds(absl::Ceil(wait, absl::Milliseconds(1))));
}

void LoopbackServer::Loop::Accept() {
  while (true) {
    const int fd = accept4(listen_fd_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) return;
    const int one = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    auto connection = std::make_unique<Connection>();
    connection->fd = fd;
    const uint64_t id = next_id_++;
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.u64 = id;
    epoll_ctl(epoll_fd_, EPOLL_CTL_ADD, fd, &event);
    connections_.emplace(id, std::move(connection));
    server_->connections_.fetch_add(1);
  }
}

void LoopbackServer::Loop::Read(uint64_t id) {
  auto found = connections_.find(id);
  if (found == connections_.end()) return;
  Connection& connection = *found->second;
  char buffer[64 * 1024];
  while (true) {
    const ssize_t bytes = recv(connection.fd, buffer, sizeof(buffer), 0);
    if (bytes == 0 || (bytes < 0 && errno != EAGAIN && errno != EINTR)) return Close(id, false);
    if (bytes < 0) break;
    connection.in.append(buffer, static_cast<size_t>(bytes));
    if (static_cast<size_t>(bytes) < sizeof(buffer)) break;
  }
  TakeRequest(id);
}

void LoopbackServer::Loop::TakeRequest(uint64_t id) {
  Connection& connection = *connections_.at(id);
  if (connection.busy || connection.in.empty()) return;
  HttpRequest request;
  size_t used = 0;
  switch (ParseHttpRequest(connection.in, &request, &used)) {
    case ParseResult::kIncomplete:
      return;
    case ParseResult::kBad:
      return Close(id, true);
    case ParseResult::kComplete:
      break;
  }
  connection.in.erase(0, used);
  connection.busy = true;
  connection.keep_alive = request.keep_alive;
  server_->requests_.fetch_add(1);
  answers_.push_back({id, handler_(request)});
}

void LoopbackServer::Loop::SendAnswers() {
  std::vector<Answer> answers;
  answers.swap(answers_);
  if (before_send_ != nullptr) before_send_();
  for (Answer& answer : answers) {
    if (answer.reply.delay > absl::ZeroDuration()) {
      const absl::Time due = absl::Now() + answer.reply.delay;
      delayed_.push({due, answer.connection, std::make_shared<HttpReply>(std::move(answer.reply))});
    } else {
      Deliver(answer.connection, answer.reply);
    }
  }
}

void LoopbackServer::Loop::Deliver(uint64_t id, const HttpReply& reply) {
  auto found = connections_.find(id);
  if (found == connections_.end() || reply.ending == Ending::kHang) return;
  if (reply.ending == Ending::kResetBefore) return Close(id, true);
  Connection& connection = *found->second;
  connection.ending = reply.ending;
  connection.out = reply.raw != nullptr ? *reply.raw : Serialize(reply, connection.keep_alive);
  connection.sent = 0;
  Flush(id);
}

void LoopbackServer::Loop::Flush(uint64_t id) {
  auto found = connections_.find(id);
  if (found == connections_.end()) return;
  Connection& connection = *found->second;
  while (connection.sent < connection.out.size()) {
    const ssize_t bytes = send(connection.fd, connection.out.data() + connection.sent,
                               connection.out.size() - connection.sent, MSG_NOSIGNAL);
    if (bytes < 0 && errno == EINTR) continue;
    if (bytes < 0 && errno == EAGAIN) break;
    if (bytes < 0) return Close(id, false);
    connection.sent += static_cast<size_t>(bytes);
  }
  const bool blocked = connection.sent < connection.out.size();
  if (blocked != connection.wants_write) {
    connection.wants_write = blocked;
    epoll_event event{};
    event.events = EPOLLIN | (blocked ? EPOLLOUT : 0u);
    event.data.u64 = id;
    epoll_ctl(epoll_fd_, EPOLL_CTL_MOD, connection.fd, &event);
  }
  if (blocked || !connection.busy) return;
  connection.busy = false;
  if (connection.ending != Ending::kWhole) {
    return Close(id, connection.ending == Ending::kResetMid);
  }
  if (!connection.keep_alive) return Close(id, false);
  TakeRequest(id);
}

void LoopbackServer::Loop::Close(uint64_t id, bool reset) {
  auto found = connections_.find(id);
  if (found == connections_.end()) return;
  if (reset) {
    const linger hard{1, 0};
    setsockopt(found->second->fd, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
  }
  close(found->second->fd);
  connections_.erase(found);
}

absl::StatusOr<std::unique_ptr<LoopbackServer>> LoopbackServer::Start(int port, Handler handler,
                                                                      BeforeSend before_send) {
  rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
  }
  const int listen_fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  const int one = 1;
  setsockopt(listen_fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<uint16_t>(port));
  socklen_t length = sizeof(address);
  if (listen_fd < 0 || bind(listen_fd, reinterpret_cast<sockaddr*>(&address), length) != 0 ||
      listen(listen_fd, kBacklog) != 0 ||
      getsockname(listen_fd, reinterpret_cast<sockaddr*>(&address), &length) != 0) {
    const std::string reason = std::strerror(errno);
    if (listen_fd >= 0) close(listen_fd);
    return absl::UnavailableError(absl::StrCat("listen on 127.0.0.1:", port, ": ", reason));
  }
  auto server = std::unique_ptr<LoopbackServer>(new LoopbackServer());
  server->port_ = ntohs(address.sin_port);
  server->stop_fd_ = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  const int epoll_fd = epoll_create1(EPOLL_CLOEXEC);
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.u64 = Loop::kListenToken;
  epoll_ctl(epoll_fd, EPOLL_CTL_ADD, listen_fd, &event);
  event.data.u64 = Loop::kStopToken;
  epoll_ctl(epoll_fd, EPOLL_CTL_ADD, server->stop_fd_, &event);
  auto loop = std::make_unique<Loop>(server.get(), listen_fd, epoll_fd, std::move(handler),
                                     std::move(before_send));
  server->thread_ = std::thread([loop = std::move(loop)] { loop->Run(); });
  return server;
}

LoopbackServer::~LoopbackServer() {
  const uint64_t one_count = 1;
  [[maybe_unused]] const ssize_t written = write(stop_fd_, &one_count, sizeof(one_count));
  thread_.join();
  close(stop_fd_);
}

std::string LoopbackServer::url() const { return absl::StrCat("http://127.0.0.1:", port_); }

}  // namespace limbeck::testing
