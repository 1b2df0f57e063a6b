// The event loop: epoll and curl_multi_socket_action, whose cost follows the sockets that are
// ready, not the transfers in flight.
#include <curl/curl.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <deque>
#include <memory>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "base/http/curl_transfer.h"
#include "base/http/transport.h"

namespace limbeck::http {
namespace {

// How often idle and total timeouts are looked at: their precision.
constexpr absl::Duration kScanInterval = absl::Milliseconds(50);
constexpr int kMaxEvents = 512;
constexpr uint64_t kWakeupToken = ~uint64_t{0};
// Easy handles kept for reuse; each holds a few tens of KB.
constexpr size_t kMaxSpareTransfers = 4096;

struct Waiting {
  Request request;
  Transport::Done done;
  absl::Time since;
};

// Transfers of one scheme, host and port.
struct Origin {
  size_t running = 0;
  bool multiplexed = false;
  std::deque<Waiting> waiting;
};

// Every connection needs a descriptor, and the usual soft limit is 1024.
void RaiseDescriptorLimit(size_t wanted) {
  rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= wanted) return;
  limit.rlim_cur = std::min<rlim_t>(wanted, limit.rlim_max);
  setrlimit(RLIMIT_NOFILE, &limit);
}

class CurlTransport : public Transport {
 public:
  CurlTransport(const CurlTransportOptions& options, CURLM* multi, int epoll_fd, int wakeup_fd)
      : options_(options), multi_(multi), epoll_fd_(epoll_fd), wakeup_fd_(wakeup_fd) {
    curl_multi_setopt(multi_, CURLMOPT_SOCKETFUNCTION, &OnSocket);
    curl_multi_setopt(multi_, CURLMOPT_SOCKETDATA, this);
    curl_multi_setopt(multi_, CURLMOPT_TIMERFUNCTION, &OnTimer);
    curl_multi_setopt(multi_, CURLMOPT_TIMERDATA, this);
    curl_multi_setopt(multi_, CURLMOPT_PIPELINING,
                      options.http2 ? CURLPIPE_MULTIPLEX : CURLPIPE_NOTHING);
    curl_multi_setopt(multi_, CURLMOPT_MAX_HOST_CONNECTIONS,
                      static_cast<long>(options.max_connections_per_host));
    curl_multi_setopt(multi_, CURLMOPT_MAXCONNECTS, static_cast<long>(options.max_in_flight));
    thread_ = std::thread([this] { Loop(); });
  }

  ~CurlTransport() override {
    stopping_.store(true);
    Wake();
    thread_.join();
    curl_multi_cleanup(multi_);
    close(wakeup_fd_);
    close(epoll_fd_);
  }

  void Start(Request request, Done done) override {
    in_flight_.fetch_add(1);
    {
      absl::MutexLock lock(&mu_);
      incoming_.push_back({std::move(request), std::move(done), absl::Now()});
    }
    Wake();
  }

  size_t in_flight() const override { return in_flight_.load(); }

 private:
  static int OnSocket(CURL*, curl_socket_t fd, int what, void* self, void* known);
  static int OnTimer(CURLM*, long timeout_ms, void* self);

  void Wake() {
    if (wakeup_pending_.exchange(true)) return;
    const uint64_t one = 1;
    // The counter cannot overflow: at most one write is outstanding.
    [[maybe_unused]] const ssize_t written = write(wakeup_fd_, &one, sizeof(one));
  }

  void Loop();
  int WaitMilliseconds() const;
  void HandleEvents(int timeout_ms);
  void TakeIncoming();
  void StartWaiting(Origin& origin);
  void StartOne(Waiting waiting, Origin& origin, const std::string& name);
  void CollectFinished();
  void ScanTimeouts();
  void CancelAll();
  void Complete(CurlTransfer* transfer, Outcome outcome);
  void Report(Done done, Outcome outcome) {
    done(std::move(outcome));
    in_flight_.fetch_sub(1);
  }

  const CurlTransportOptions options_;
  CURLM* const multi_;
  const int epoll_fd_;
  const int wakeup_fd_;
  std::atomic<bool> stopping_{false};
  std::atomic<bool> wakeup_pending_{false};
  std::atomic<size_t> in_flight_{0};

  absl::Mutex mu_;
  std::vector<Waiting> incoming_ ABSL_GUARDED_BY(mu_);

  // The loop thread's own.
  std::optional<absl::Time> timer_;
  absl::Time next_scan_ = absl::InfinitePast();
  absl::flat_hash_map<CurlTransfer*, std::unique_ptr<CurlTransfer>> running_;
  std::vector<std::unique_ptr<CurlTransfer>> spare_;
  absl::flat_hash_map<std::string, std::unique_ptr<Origin>> origins_;
  size_t waiting_count_ = 0;  // Over all origins.

  std::thread thread_;
};

int CurlTransport::OnSocket(CURL*, curl_socket_t fd, int what, void* self, void* known) {
  auto* transport = static_cast<CurlTransport*>(self);
  epoll_event event{};
  event.data.u64 = static_cast<uint64_t>(fd);
  if (what == CURL_POLL_REMOVE) {
    epoll_ctl(transport->epoll_fd_, EPOLL_CTL_DEL, fd, &event);
    return 0;
  }
  if (what == CURL_POLL_IN || what == CURL_POLL_INOUT) event.events |= EPOLLIN;
  if (what == CURL_POLL_OUT || what == CURL_POLL_INOUT) event.events |= EPOLLOUT;
  const int first = known == nullptr ? EPOLL_CTL_ADD : EPOLL_CTL_MOD;
  const int second = known == nullptr ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;
  if (epoll_ctl(transport->epoll_fd_, first, fd, &event) != 0) {
    epoll_ctl(transport->epoll_fd_, second, fd, &event);
  }
  curl_multi_assign(transport->multi_, fd, transport);
  return 0;
}

int CurlTransport::OnTimer(CURLM*, long timeout_ms, void* self) {
  auto* transport = static_cast<CurlTransport*>(self);
  if (timeout_ms < 0) {
    transport->timer_.reset();
  } else {
    transport->timer_ = absl::Now() + absl::Milliseconds(timeout_ms);
  }
  return 0;
}

int CurlTransport::WaitMilliseconds() const {
  if (running_.empty() && waiting_count_ == 0 && !timer_.has_value()) return -1;
  absl::Duration wait = running_.empty() && waiting_count_ == 0 ? absl::Hours(1) : kScanInterval;
  if (timer_.has_value()) wait = std::min(wait, *timer_ - absl::Now());
  if (wait <= absl::ZeroDuration()) return 0;
  return static_cast<int>(absl::ToInt64Milliseconds(absl::Ceil(wait, absl::Milliseconds(1))));
}

void CurlTransport::HandleEvents(int timeout_ms) {
  epoll_event events[kMaxEvents];
  const int count = epoll_wait(epoll_fd_, events, kMaxEvents, timeout_ms);
  int still_running = 0;
  for (int i = 0; i < count; ++i) {
    if (events[i].data.u64 == kWakeupToken) {
      uint64_t value = 0;
      [[maybe_unused]] const ssize_t bytes = read(wakeup_fd_, &value, sizeof(value));
      wakeup_pending_.store(false);
      continue;
    }
    int mask = 0;
    if (events[i].events & EPOLLIN) mask |= CURL_CSELECT_IN;
    if (events[i].events & EPOLLOUT) mask |= CURL_CSELECT_OUT;
    if (events[i].events & (EPOLLERR | EPOLLHUP)) mask |= CURL_CSELECT_ERR;
    curl_multi_socket_action(multi_, static_cast<curl_socket_t>(events[i].data.u64), mask,
                             &still_running);
  }
}

void CurlTransport::Loop() {
  int still_running = 0;
  while (!stopping_.load()) {
    HandleEvents(WaitMilliseconds());
    TakeIncoming();
    if (timer_.has_value() && absl::Now() >= *timer_) {
      timer_.reset();
      curl_multi_socket_action(multi_, CURL_SOCKET_TIMEOUT, 0, &still_running);
    }
    CollectFinished();
    ScanTimeouts();
  }
  CancelAll();
}

void CurlTransport::TakeIncoming() {
  std::vector<Waiting> incoming;
  {
    absl::MutexLock lock(&mu_);
    incoming.swap(incoming_);
  }
  for (Waiting& waiting : incoming) {
    if (absl::Status valid = ValidateRequest(waiting.request); !valid.ok()) {
      Outcome outcome;
      outcome.status = std::move(valid);
      Report(std::move(waiting.done), std::move(outcome));
      continue;
    }
    const std::string name = OriginOf(waiting.request.url).value();
    std::unique_ptr<Origin>& origin = origins_[name];
    if (origin == nullptr) origin = std::make_unique<Origin>();
    origin->waiting.push_back(std::move(waiting));
    ++waiting_count_;
    StartWaiting(*origin);
  }
}

void CurlTransport::StartWaiting(Origin& origin) {
  while (!origin.waiting.empty() && running_.size() < options_.max_in_flight &&
         (origin.multiplexed || origin.running < options_.max_connections_per_host)) {
    Waiting waiting = std::move(origin.waiting.front());
    origin.waiting.pop_front();
    --waiting_count_;
    const std::string name = OriginOf(waiting.request.url).value();
    StartOne(std::move(waiting), origin, name);
  }
}

void CurlTransport::StartOne(Waiting waiting, Origin& origin, const std::string& name) {
  Outcome failed;
  const absl::Duration remaining = waiting.request.total_timeout - (absl::Now() - waiting.since);
  if (remaining <= absl::ZeroDuration()) {
    failed.status = absl::DeadlineExceededError("total timeout while waiting to be sent");
    return Report(std::move(waiting.done), std::move(failed));
  }
  if (waiting.request.cancelled != nullptr && waiting.request.cancelled->load()) {
    failed.status = absl::CancelledError("not wanted any more before it was sent");
    return Report(std::move(waiting.done), std::move(failed));
  }
  std::unique_ptr<CurlTransfer> transfer;
  if (spare_.empty()) {
    transfer = std::make_unique<CurlTransfer>();
  } else {
    transfer = std::move(spare_.back());
    spare_.pop_back();
  }
  failed.status =
      transfer->Prepare(std::move(waiting.request), std::move(waiting.done), options_, remaining);
  if (failed.status.ok() && curl_multi_add_handle(multi_, transfer->handle()) != CURLM_OK) {
    failed.status = absl::ResourceExhaustedError("libcurl refused the transfer");
  }
  if (!failed.status.ok()) return Report(transfer->TakeDone(), std::move(failed));
  transfer->set_origin(name);
  ++origin.running;
  CurlTransfer* const key = transfer.get();
  running_.emplace(key, std::move(transfer));
}

void CurlTransport::CollectFinished() {
  int left = 0;
  while (CURLMsg* message = curl_multi_info_read(multi_, &left)) {
    if (message->msg != CURLMSG_DONE) continue;
    void* pointer = nullptr;
    curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &pointer);
    auto* transfer = static_cast<CurlTransfer*>(pointer);
    Complete(transfer, transfer->Finish(message->data.result));
  }
}

void CurlTransport::Complete(CurlTransfer* transfer, Outcome outcome) {
  Origin& origin = *origins_.at(transfer->origin());
  if (outcome.status.ok()) origin.multiplexed = transfer->multiplexed();
  const bool was_full = running_.size() >= options_.max_in_flight;
  curl_multi_remove_handle(multi_, transfer->handle());
  Done done = transfer->TakeDone();
  auto found = running_.find(transfer);
  std::unique_ptr<CurlTransfer> owned = std::move(found->second);
  running_.erase(found);
  if (spare_.size() < kMaxSpareTransfers) spare_.push_back(std::move(owned));
  --origin.running;
  StartWaiting(origin);
  if (was_full && waiting_count_ > 0) {
    for (auto& [name, other] : origins_) StartWaiting(*other);
  }
  Report(std::move(done), std::move(outcome));
}

void CurlTransport::ScanTimeouts() {
  const absl::Time now = absl::Now();
  if (now < next_scan_ || (running_.empty() && waiting_count_ == 0)) return;
  next_scan_ = now + kScanInterval;
  std::vector<std::pair<CurlTransfer*, absl::Status>> late;
  for (auto& [key, transfer] : running_) {
    if (absl::Status status = transfer->CheckTimeouts(now); !status.ok()) {
      late.push_back({key, std::move(status)});
    }
  }
  for (auto& [transfer, status] : late) {
    Complete(transfer, transfer->Abandon(std::move(status)));
  }
  // Waiting requests are in order of arrival, so with like timeouts the late ones are in front.
  for (auto& [name, origin] : origins_) {
    while (!origin->waiting.empty() &&
           now - origin->waiting.front().since >= origin->waiting.front().request.total_timeout) {
      Outcome outcome;
      outcome.status = absl::DeadlineExceededError("total timeout while waiting to be sent");
      Done done = std::move(origin->waiting.front().done);
      origin->waiting.pop_front();
      --waiting_count_;
      Report(std::move(done), std::move(outcome));
    }
  }
}

void CurlTransport::CancelAll() {
  const absl::Status cancelled = absl::CancelledError("HTTP transport shut down");
  std::vector<std::unique_ptr<CurlTransfer>> transfers;
  for (auto& [key, transfer] : running_) transfers.push_back(std::move(transfer));
  running_.clear();
  for (auto& transfer : transfers) {
    Outcome outcome = transfer->Abandon(cancelled);
    curl_multi_remove_handle(multi_, transfer->handle());
    Report(transfer->TakeDone(), std::move(outcome));
  }
  std::vector<Waiting> left;
  for (auto& [name, origin] : origins_) {
    for (Waiting& waiting : origin->waiting) left.push_back(std::move(waiting));
    origin->waiting.clear();
  }
  while (true) {
    {
      absl::MutexLock lock(&mu_);
      for (Waiting& waiting : incoming_) left.push_back(std::move(waiting));
      incoming_.clear();
    }
    if (left.empty()) return;
    for (Waiting& waiting : left) {
      Outcome outcome;
      outcome.status = cancelled;
      Report(std::move(waiting.done), std::move(outcome));
    }
    left.clear();
  }
}

}  // namespace

absl::StatusOr<std::unique_ptr<Transport>> NewCurlTransport(const CurlTransportOptions& options) {
  if (options.max_in_flight == 0 || options.max_connections_per_host == 0) {
    return absl::InvalidArgumentError(
        "max_in_flight and max_connections_per_host must be at least 1");
  }
  static const CURLcode global = curl_global_init(CURL_GLOBAL_DEFAULT);
  if (global != CURLE_OK) return absl::InternalError("curl_global_init failed");
  RaiseDescriptorLimit(2 * options.max_in_flight + 1024);
  CURLM* multi = curl_multi_init();
  const int epoll_fd = epoll_create1(EPOLL_CLOEXEC);
  const int wakeup_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.u64 = kWakeupToken;
  if (multi == nullptr || epoll_fd < 0 || wakeup_fd < 0 ||
      epoll_ctl(epoll_fd, EPOLL_CTL_ADD, wakeup_fd, &event) != 0) {
    if (multi != nullptr) curl_multi_cleanup(multi);
    if (epoll_fd >= 0) close(epoll_fd);
    if (wakeup_fd >= 0) close(wakeup_fd);
    return absl::ResourceExhaustedError("no descriptors for the HTTP event loop");
  }
  return std::make_unique<CurlTransport>(options, multi, epoll_fd, wakeup_fd);
}

}  // namespace limbeck::http
