#include "tests/support/loopback_server.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
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
#include "tests/support/loopback_socket.h"

namespace limbeck::testing {
namespace {

constexpr int kMaxEvents = 512;
constexpr int kBacklog = 4096;
constexpr int kFillers = 3;

struct Connection {
  int fd = -1;
  std::string in;
  std::string out;
  size_t sent = 0;
  bool busy = false;  // A request is being answered: the next one waits in `in`.
  bool keep_alive = true;
  Ending ending = Ending::kWhole;
  bool wants_write = false;
  absl::Duration byte_interval;
  // The body, and how often it is still to be sent.
  std::string body;
  size_t repeats = 0;
  // What is being answered.
  HttpRequest request;
};

void Watch(int epoll_fd, int fd, uint64_t token) {
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.u64 = token;
  epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event);
}

}  // namespace

// The loop's state; lives on the loop thread.
class LoopbackServer::Loop {
 public:
  Loop(LoopbackServer* server, Handler handler, BeforeSend before, Watcher watcher)
      : server_(server),
        listen_fd_(server->listen_fd_),
        epoll_fd_(server->epoll_fd_),
        handler_(std::move(handler)),
        before_send_(std::move(before)),
        watcher_(std::move(watcher)) {}

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
    std::shared_ptr<HttpReply> reply;  // Null: the next byte of an answer begun.
    bool operator<(const Delayed& other) const { return due > other.due; }
  };

  void Accept();
  void Read(uint64_t id);
  void TakeRequest(uint64_t id);
  void SendAnswers();
  void Deliver(uint64_t id, const HttpReply& reply);
  void Flush(uint64_t id);
  bool SendSome(Connection* connection, uint64_t id);
  void Finish(uint64_t id, Connection* connection);
  void Tell(Stage stage, const Connection& connection) const;
  void Close(uint64_t id, bool reset);
  int WaitMilliseconds() const;

  LoopbackServer* const server_;
  const int listen_fd_;
  const int epoll_fd_;
  const Handler handler_;
  const BeforeSend before_send_;
  const Watcher watcher_;
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
      if (due.reply == nullptr) {
        Flush(due.connection);
      } else {
        Deliver(due.connection, *due.reply);
      }
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
    Watch(epoll_fd_, fd, id);
    connections_.emplace(id, std::move(connection));
    server_->connections_.fetch_add(1);
    server_->SetOpen(connections_.size());
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
  size_t used = 0;
  switch (ParseHttpRequest(connection.in, &connection.request, &used)) {
    case ParseResult::kIncomplete:
      return;
    case ParseResult::kBad:
      return Close(id, true);
    case ParseResult::kComplete:
      break;
  }
  connection.in.erase(0, used);
  connection.busy = true;
  connection.keep_alive = connection.request.keep_alive;
  server_->requests_.fetch_add(1);
  answers_.push_back({id, handler_(connection.request)});
  Tell(Stage::kReceived, connection);
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
  connection.byte_interval = reply.byte_interval;
  connection.repeats = reply.body_repeats - 1;
  if (connection.repeats > 0) connection.body = reply.body;
  Flush(id);
}

void LoopbackServer::Loop::Flush(uint64_t id) {
  auto found = connections_.find(id);
  if (found == connections_.end()) return;
  Connection& connection = *found->second;
  if (!SendSome(&connection, id)) return Close(id, false);
  const bool blocked = connection.sent < connection.out.size();
  // What trickles waits for its time instead.
  const bool wants_write = blocked && connection.byte_interval == absl::ZeroDuration();
  if (wants_write != connection.wants_write) {
    connection.wants_write = wants_write;
    epoll_event event{};
    event.events = EPOLLIN | (wants_write ? EPOLLOUT : 0u);
    event.data.u64 = id;
    epoll_ctl(epoll_fd_, EPOLL_CTL_MOD, connection.fd, &event);
  }
  if (!blocked && connection.busy) Finish(id, &connection);
}

// Sends what the kernel takes, or one byte of an answer that trickles. False when the other side is
// gone.
bool LoopbackServer::Loop::SendSome(Connection* connection, uint64_t id) {
  const bool trickles = connection->byte_interval > absl::ZeroDuration();
  while (connection->sent < connection->out.size()) {
    const size_t left = connection->out.size() - connection->sent;
    const ssize_t bytes = send(connection->fd, connection->out.data() + connection->sent,
                               trickles ? 1 : left, MSG_NOSIGNAL);
    if (bytes < 0 && errno == EINTR) continue;
    if (bytes < 0) return errno == EAGAIN;
    connection->sent += static_cast<size_t>(bytes);
    if (trickles && connection->sent < connection->out.size()) {
      delayed_.push({absl::Now() + connection->byte_interval, id, nullptr});
      return true;
    }
    if (connection->sent == connection->out.size() && connection->repeats > 0) {
      --connection->repeats;
      connection->out = connection->body;
      connection->sent = 0;
    }
  }
  return true;
}

// The answer, or what there was to be of it, is out.
void LoopbackServer::Loop::Finish(uint64_t id, Connection* connection) {
  if (connection->ending == Ending::kHoldMid) return Tell(Stage::kHeld, *connection);
  if (connection->ending != Ending::kWhole) {
    return Close(id, connection->ending == Ending::kResetMid);
  }
  connection->busy = false;
  Tell(Stage::kSent, *connection);
  if (!connection->keep_alive) return Close(id, false);
  TakeRequest(id);
}

void LoopbackServer::Loop::Tell(Stage stage, const Connection& connection) const {
  if (watcher_ != nullptr) watcher_(stage, connection.request);
}

void LoopbackServer::Loop::Close(uint64_t id, bool reset) {
  auto found = connections_.find(id);
  if (found == connections_.end()) return;
  if (reset) {
    const linger hard{1, 0};
    setsockopt(found->second->fd, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
  }
  close(found->second->fd);
  if (found->second->busy) Tell(Stage::kClosed, *found->second);
  connections_.erase(found);
  server_->SetOpen(connections_.size());
}

absl::StatusOr<std::unique_ptr<LoopbackServer>> LoopbackServer::Start(int port, Handler handler,
                                                                      BeforeSend before_send,
                                                                      Watcher watcher) {
  rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
  }
  int listen_fd = -1;
  int bound_port = 0;
  if (const absl::Status status = ListenLoopback(port, kBacklog, &listen_fd, &bound_port);
      !status.ok()) {
    return status;
  }
  auto server = std::unique_ptr<LoopbackServer>(new LoopbackServer());
  server->port_ = bound_port;
  server->stop_fd_ = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  server->listen_fd_ = listen_fd;
  server->epoll_fd_ = epoll_create1(EPOLL_CLOEXEC);
  Watch(server->epoll_fd_, listen_fd, Loop::kListenToken);
  Watch(server->epoll_fd_, server->stop_fd_, Loop::kStopToken);
  auto loop = std::make_unique<Loop>(server.get(), std::move(handler), std::move(before_send),
                                     std::move(watcher));
  server->thread_ = std::thread([loop = std::move(loop)] { loop->Run(); });
  return server;
}

void LoopbackServer::SetOpen(size_t connections) {
  absl::MutexLock lock(&mu_);
  open_ = connections;
}

bool LoopbackServer::WaitUntilAlone(absl::Duration timeout) {
  const absl::Time deadline = absl::Now() + timeout;
  // Connections are accepted in their order. What is no request ends this one, the last of them.
  const int fd = ConnectLoopback(port_);
  if (fd < 0) return false;
  constexpr std::string_view kNoRequest = "\r\n\r\n";
  bool accepted = send(fd, kNoRequest.data(), kNoRequest.size(), MSG_NOSIGNAL) > 0;
  pollfd ended{fd, POLLIN, 0};
  accepted = accepted && poll(&ended, 1, static_cast<int>(absl::ToInt64Milliseconds(timeout))) > 0;
  close(fd);
  const auto alone = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) { return open_ == 0; };
  absl::MutexLock lock(&mu_);
  return accepted && mu_.AwaitWithDeadline(absl::Condition(&alone), deadline);
}

absl::Status LoopbackServer::StopAccepting() {
  epoll_ctl(epoll_fd_, EPOLL_CTL_DEL, listen_fd_, nullptr);
  if (listen(listen_fd_, 0) != 0) return absl::ErrnoToStatus(errno, "listen");
  // One fits into an empty queue; the second is never taken, nor any other.
  for (int i = 0; i < kFillers; ++i) {
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    const sockaddr_in address = LoopbackAddress(port_);
    connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address));
    fillers_.push_back(fd);
  }
  return absl::OkStatus();
}

void LoopbackServer::ResumeAccepting() {
  for (const int fd : fillers_) close(fd);
  fillers_.clear();
  listen(listen_fd_, kBacklog);
  Watch(epoll_fd_, listen_fd_, Loop::kListenToken);
}

LoopbackServer::~LoopbackServer() {
  const uint64_t one_count = 1;
  [[maybe_unused]] const ssize_t written = write(stop_fd_, &one_count, sizeof(one_count));
  thread_.join();
  for (const int fd : fillers_) close(fd);
  close(stop_fd_);
}

std::string LoopbackServer::url() const { return absl::StrCat("http://127.0.0.1:", port_); }

}  // namespace limbeck::testing
