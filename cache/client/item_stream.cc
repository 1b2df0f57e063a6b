#include "cache/client/item_stream.h"

#include <grpcpp/client_context.h>
#include <grpcpp/completion_queue.h>
#include <grpcpp/generic/generic_stub.h>

#include <atomic>
#include <deque>
#include <optional>
#include <thread>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "base/grpc/status_codec.h"
#include "base/status.h"
#include "cache/client/convert.h"
#include "cache/client/frame_reader.h"

namespace limbeck::cache {
namespace {

constexpr char kMethod[] = "/limbeck.v1.CacheService/StreamPacks";
// Credit goes back in parts of the window of at least this fraction, not with every frame.
constexpr uint64_t kCreditParts = 8;

// What the call is doing, as tags of its completion queue.
enum class Operation : intptr_t { kStart = 1, kRead, kWrite, kFinish };

void* ToTag(Operation operation) { return reinterpret_cast<void*>(operation); }

grpc::ByteBuffer Serialise(const v1::StreamPacksRequest& request) {
  const grpc::Slice slice(request.SerializeAsString());
  return grpc::ByteBuffer(&slice, 1);
}

// One thread reads frames as they come, undecoded; the consumer checks and decodes them.
class GrpcItemStream : public ItemStream {
 public:
  GrpcItemStream(const std::shared_ptr<grpc::Channel>& channel, const StreamOptions& options)
      : window_(options.window_bytes),
        stub_(channel),
        call_(stub_.PrepareCall(&context_, kMethod, &queue_)) {
    *open_.mutable_open() = ToProto(options);
    reader_ = std::thread([this] { ReadFrames(); });
  }

  ~GrpcItemStream() override {
    Cancel();
    reader_.join();
  }

  absl::StatusOr<StreamItem> Next() override {
    if (cancelled_) return absl::CancelledError("the stream was cancelled");
    LIMBECK_RETURN_IF_ERROR(damage_);
    if (frame_.AtEnd()) LIMBECK_RETURN_IF_ERROR(NextFrame());
    absl::StatusOr<StreamItem> item = frame_.Next();
    if (!item.ok()) Damaged(item.status());
    return item;
  }

  void Cancel() override {
    cancelled_ = true;
    context_.TryCancel();
  }

 private:
  void ReadFrames() {
    call_->StartCall(ToTag(Operation::kStart));
    grpc::ByteBuffer message;
    grpc::Status status;
    void* tag = nullptr;
    bool ok = false;
    while (queue_.Next(&tag, &ok)) {
      switch (static_cast<Operation>(reinterpret_cast<intptr_t>(tag))) {
        case Operation::kStart:
          if (ok) Write(open_);
          call_->Read(&message, ToTag(Operation::kRead));
          break;
        case Operation::kRead:
          if (!ok) {
            Close();
            call_->Finish(&status, ToTag(Operation::kFinish));
            break;
          }
          Deliver(&message);
          call_->Read(&message, ToTag(Operation::kRead));
          break;
        case Operation::kWrite:
          OnWritten(ok);
          break;
        case Operation::kFinish:
          queue_.Shutdown();
          break;
      }
    }
    absl::MutexLock lock(&mu_);
    end_ = EndOf(rpc::FromGrpc(status));
  }

  void Deliver(grpc::ByteBuffer* message) {
    absl::MutexLock lock(&mu_);
    frames_.emplace_back().Swap(message);
  }

  absl::Status EndOf(const absl::Status& status) const {
    if (cancelled_) return absl::CancelledError("the stream was cancelled");
    if (status.ok()) return absl::OutOfRangeError("the stream is at its end");
    // A server that dies cancels its calls.
    if (absl::IsCancelled(status) || absl::IsDeadlineExceeded(status)) {
      return absl::UnavailableError(absl::StrCat("the cache went away: ", status.message()));
    }
    return status;
  }

  absl::Status NextFrame() {
    ReturnCredit(frame_.item_bytes());
    frame_.Close();
    grpc::ByteBuffer message;
    {
      absl::MutexLock lock(&mu_);
      const auto ready = [this]() ABSL_SHARED_LOCKS_REQUIRED(mu_) {
        return !frames_.empty() || end_.has_value();
      };
      mu_.Await(absl::Condition(&ready));
      if (frames_.empty()) return *end_;
      message.Swap(&frames_.front());
      frames_.pop_front();
    }
    Damaged(frame_.Open(message));
    return damage_;
  }

  // Nothing that follows may be handed out.
  void Damaged(const absl::Status& damage) {
    damage_ = damage;
    if (!damage.ok()) context_.TryCancel();
  }

  void ReturnCredit(size_t bytes) {
    absl::MutexLock lock(&write_mu_);
    owed_ += bytes;
    WriteCredit();
  }

  void WriteCredit() ABSL_EXCLUSIVE_LOCKS_REQUIRED(write_mu_) {
    if (!may_write_ || owed_ == 0 || owed_ < window_ / kCreditParts) return;
    v1::StreamPacksRequest credit;
    credit.set_credit_bytes(std::exchange(owed_, 0));
    may_write_ = false;
    call_->Write(Serialise(credit), ToTag(Operation::kWrite));
  }

  void Write(const v1::StreamPacksRequest& request) {
    absl::MutexLock lock(&write_mu_);
    call_->Write(Serialise(request), ToTag(Operation::kWrite));
  }

  void OnWritten(bool ok) {
    absl::MutexLock lock(&write_mu_);
    may_write_ = ok && !closed_;
    WriteCredit();
  }

  // No credit may be written once the call is being finished.
  void Close() {
    absl::MutexLock lock(&write_mu_);
    closed_ = true;
    may_write_ = false;
  }

  const uint64_t window_;
  grpc::CompletionQueue queue_;
  grpc::ClientContext context_;
  grpc::GenericStub stub_;
  const std::unique_ptr<grpc::GenericClientAsyncReaderWriter> call_;
  v1::StreamPacksRequest open_;
  std::atomic<bool> cancelled_ = false;

  // The consumer's alone.
  FrameReader frame_;
  absl::Status damage_;

  absl::Mutex write_mu_;
  bool may_write_ ABSL_GUARDED_BY(write_mu_) = false;  // One write at a time.
  bool closed_ ABSL_GUARDED_BY(write_mu_) = false;
  uint64_t owed_ ABSL_GUARDED_BY(write_mu_) = 0;  // Consumed, and not returned yet.

  absl::Mutex mu_;
  // At most the window and one frame, since the server sends on credit only.
  std::deque<grpc::ByteBuffer> frames_ ABSL_GUARDED_BY(mu_);
  std::optional<absl::Status> end_ ABSL_GUARDED_BY(mu_);

  std::thread reader_;
};

}  // namespace

std::unique_ptr<ItemStream> OpenItemStream(const std::shared_ptr<grpc::Channel>& channel,
                                           const StreamOptions& options) {
  return std::make_unique<GrpcItemStream>(channel, options);
}

}  // namespace limbeck::cache
