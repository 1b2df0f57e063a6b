#include "cache/client/item_stream.h"

#include <grpcpp/client_context.h>

#include <atomic>
#include <deque>
#include <optional>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "base/grpc/status_codec.h"
#include "base/hash.h"
#include "base/status.h"
#include "cache/client/convert.h"
#include "cache/snapshots/item_codec.h"
#include "limbeck/v1/cache_service.grpc.pb.h"

namespace limbeck::cache {
namespace {

using Frame = v1::StreamPacksResponse;

// DATA_LOSS when a frame is not what left the server.
absl::Status CheckFrame(const Frame& frame) {
  if (Xxh3(frame.items()) != frame.checksum()) {
    return absl::DataLossError(
        absl::StrCat("the frame at position ", frame.position(), " was damaged on the way"));
  }
  if (static_cast<uint32_t>(frame.positions_size()) != frame.count() || frame.count() == 0) {
    return absl::DataLossError("a frame without one position per item");
  }
  return absl::OkStatus();
}

class GrpcItemStream : public ItemStream {
 public:
  GrpcItemStream(const std::shared_ptr<grpc::Channel>& channel, const StreamOptions& options)
      : stub_(v1::CacheService::NewStub(channel)), stream_(stub_->StreamPacks(&context_)) {
    v1::StreamPacksRequest open;
    *open.mutable_open() = ToProto(options);
    // A failed write shows in the status that the reading thread gets.
    stream_->Write(open);
    reader_ = std::thread([this] { ReadFrames(); });
  }

  ~GrpcItemStream() override {
    Cancel();
    reader_.join();
  }

  absl::StatusOr<StreamItem> Next() override {
    if (cancelled_) return absl::CancelledError("the stream was cancelled");
    if (next_ == frame_.count()) LIMBECK_RETURN_IF_ERROR(NextFrame());
    LIMBECK_ASSIGN_OR_RETURN(PackedItem packed, DecodeItem(&left_));
    StreamItem item;
    item.epoch = frame_.epoch();
    item.position = frame_.positions(static_cast<int>(next_++));
    item.example = std::move(packed.example);
    item.records = std::move(packed.records);
    return item;
  }

  void Cancel() override {
    cancelled_ = true;
    context_.TryCancel();
  }

 private:
  void ReadFrames() {
    Frame frame;
    absl::Status damage;
    while (damage.ok() && stream_->Read(&frame)) {
      damage = CheckFrame(frame);
      if (!damage.ok()) break;
      absl::MutexLock lock(&mu_);
      frames_.push_back(std::move(frame));
      frame = Frame();
    }
    {
      // No credit may be written once the call is being finished.
      absl::MutexLock lock(&write_mu_);
      over_ = true;
    }
    if (!damage.ok()) context_.TryCancel();
    const absl::Status status = rpc::FromGrpc(stream_->Finish());
    absl::MutexLock lock(&mu_);
    end_ = damage.ok() ? EndOf(status) : damage;
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
    ReturnCredit(frame_.items().size());
    absl::MutexLock lock(&mu_);
    const auto ready = [this]() ABSL_SHARED_LOCKS_REQUIRED(mu_) {
      return !frames_.empty() || end_.has_value();
    };
    mu_.Await(absl::Condition(&ready));
    if (frames_.empty()) {
      frame_.Clear();
      next_ = 0;
      return *end_;
    }
    frame_ = std::move(frames_.front());
    frames_.pop_front();
    left_ = frame_.items();
    next_ = 0;
    return absl::OkStatus();
  }

  void ReturnCredit(size_t bytes) {
    if (bytes == 0) return;
    v1::StreamPacksRequest credit;
    credit.set_credit_bytes(bytes);
    absl::MutexLock lock(&write_mu_);
    if (!over_) stream_->Write(credit);
  }

  grpc::ClientContext context_;
  const std::unique_ptr<v1::CacheService::Stub> stub_;
  const std::unique_ptr<grpc::ClientReaderWriter<v1::StreamPacksRequest, Frame>> stream_;
  std::atomic<bool> cancelled_ = false;

  // The consumer's alone.
  Frame frame_;
  std::string_view left_;
  uint32_t next_ = 0;

  absl::Mutex write_mu_;
  bool over_ ABSL_GUARDED_BY(write_mu_) = false;

  absl::Mutex mu_;
  // At most the window and one frame, since the server sends on credit only.
  std::deque<Frame> frames_ ABSL_GUARDED_BY(mu_);
  std::optional<absl::Status> end_ ABSL_GUARDED_BY(mu_);

  std::thread reader_;
};

}  // namespace

std::unique_ptr<ItemStream> OpenItemStream(const std::shared_ptr<grpc::Channel>& channel,
                                           const StreamOptions& options) {
  return std::make_unique<GrpcItemStream>(channel, options);
}

}  // namespace limbeck::cache
