#include "gateway/coordination/worker_service.h"

#include <deque>
#include <memory>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "base/grpc/status_codec.h"

namespace limbeck::gateway {
namespace {

using Reactor = grpc::ServerBidiReactor<v1::WorkRequest, v1::WorkResponse>;

// Messages that wait for a worker which does not read. More means that it is as good as gone.
constexpr size_t kMaxQueuedMessages = 256;

class WorkStream;

// What the coordinator holds. The stream unhooks itself when it ends, so that late calls find
// nothing.
class StreamLink final : public WorkerLink {
 public:
  explicit StreamLink(WorkStream* stream) : stream_(stream) {}
  void Send(const v1::WorkResponse& message) override;
  void ReadNext() override;
  void Close(const absl::Status& status) override;
  void Unhook() {
    absl::MutexLock lock(&mu_);
    stream_ = nullptr;
  }

 private:
  absl::Mutex mu_;
  WorkStream* stream_ ABSL_GUARDED_BY(mu_);
};

// One stream. Deletes itself when gRPC is done with it.
class WorkStream final : public Reactor {
 public:
  WorkStream(Coordinator* coordinator, grpc::CallbackServerContext* context)
      : coordinator_(coordinator), context_(context), link_(std::make_shared<StreamLink>(this)) {
    StartRead(&incoming_);
  }

  void OnReadDone(bool ok) override {
    if (!ok) {
      Close(absl::OkStatus());
      return;
    }
    if (session_ != 0) {
      coordinator_->Receive(session_, std::move(incoming_));
      return;
    }
    if (!incoming_.has_register_()) {
      Close(absl::InvalidArgumentError("a worker's first message must be register"));
      return;
    }
    const absl::StatusOr<uint64_t> session = coordinator_->Register(incoming_.register_(), link_);
    if (!session.ok()) {
      Close(session.status());
      return;
    }
    session_ = *session;
    Read();
  }

  void OnWriteDone(bool ok) override {
    absl::MutexLock lock(&mu_);
    writing_ = false;
    outgoing_.pop_front();
    if (finished_) {
      Finish(rpc::ToGrpc(final_status_));
    } else if (ok) {
      WriteNext();
    }
  }

  void OnCancel() override { Close(absl::CancelledError("the worker's stream was cancelled")); }

  void OnDone() override {
    link_->Unhook();
    if (session_ != 0) coordinator_->Disconnected(session_);
    delete this;
  }

  void Send(const v1::WorkResponse& message) {
    absl::MutexLock lock(&mu_);
    if (finished_) return;
    if (outgoing_.size() >= kMaxQueuedMessages) {
      // The write under way will not end by itself.
      FinishLocked(absl::ResourceExhaustedError("the worker does not read its messages"));
      context_->TryCancel();
      return;
    }
    outgoing_.push_back(message);
    WriteNext();
  }

  void Read() {
    absl::MutexLock lock(&mu_);
    if (finished_) return;
    incoming_.Clear();
    StartRead(&incoming_);
  }

  void Close(const absl::Status& status) {
    absl::MutexLock lock(&mu_);
    FinishLocked(status);
  }

 private:
  void WriteNext() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
    if (writing_ || outgoing_.empty()) return;
    writing_ = true;
    StartWrite(&outgoing_.front());
  }

  void FinishLocked(const absl::Status& status) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
    if (finished_) return;
    finished_ = true;
    final_status_ = status;
    // gRPC wants the write under way to end first.
    if (!writing_) Finish(rpc::ToGrpc(final_status_));
  }

  Coordinator* const coordinator_;
  grpc::CallbackServerContext* const context_;
  const std::shared_ptr<StreamLink> link_;
  // Touched by one read at a time.
  v1::WorkRequest incoming_;
  uint64_t session_ = 0;

  absl::Mutex mu_;
  // The first one is being written while `writing_`.
  std::deque<v1::WorkResponse> outgoing_ ABSL_GUARDED_BY(mu_);
  bool writing_ ABSL_GUARDED_BY(mu_) = false;
  bool finished_ ABSL_GUARDED_BY(mu_) = false;
  absl::Status final_status_ ABSL_GUARDED_BY(mu_);
};

void StreamLink::Send(const v1::WorkResponse& message) {
  absl::MutexLock lock(&mu_);
  if (stream_ != nullptr) stream_->Send(message);
}

void StreamLink::ReadNext() {
  absl::MutexLock lock(&mu_);
  if (stream_ != nullptr) stream_->Read();
}

void StreamLink::Close(const absl::Status& status) {
  absl::MutexLock lock(&mu_);
  if (stream_ != nullptr) stream_->Close(status);
}

}  // namespace

Reactor* WorkerService::Work(grpc::CallbackServerContext* context) {
  return new WorkStream(coordinator_, context);
}

}  // namespace limbeck::gateway
