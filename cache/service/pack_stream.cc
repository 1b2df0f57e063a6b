#include "cache/service/pack_stream.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "base/grpc/status_codec.h"

namespace limbeck::cache {
namespace {

// More is pointless and would let sums overflow.
constexpr uint64_t kMaxCreditBytes = uint64_t{1} << 40;

}  // namespace

absl::Status StreamRegistry::Add(PackStream* stream) {
  absl::MutexLock lock(&mu_);
  if (stopping_) return absl::UnavailableError("the cache is stopping");
  if (streams_.size() >= max_streams_) {
    return absl::ResourceExhaustedError(
        absl::StrCat("this cache server serves at most ", max_streams_, " streams at once"));
  }
  streams_.insert(stream);
  return absl::OkStatus();
}

void StreamRegistry::Remove(PackStream* stream) {
  absl::MutexLock lock(&mu_);
  streams_.erase(stream);
}

void StreamRegistry::StopAll() {
  absl::MutexLock lock(&mu_);
  stopping_ = true;
  for (PackStream* stream : streams_) stream->Stop();
}

size_t StreamRegistry::size() const {
  absl::MutexLock lock(&mu_);
  return streams_.size();
}

PackStream::PackStream(const StreamHost* host) : host_(host) {
  const absl::Status added = host_->registry->Add(this);
  {
    absl::MutexLock lock(&mu_);
    if (!added.ok()) end_ = added;
    StepIfDue();
  }
  // Reads after the end of a call are answered with "not ok", so this needs no check.
  if (added.ok()) StartRead(&request_);
}

void PackStream::OnReadDone(bool ok) {
  {
    absl::MutexLock lock(&mu_);
    if (!ok) {
      no_more_credit_ = true;
      if (!open_.has_value() && end_.ok()) {
        end_ = absl::InvalidArgumentError("open: the first request of a stream must hold it");
      }
    } else if (!open_.has_value()) {
      if (request_.has_open()) {
        open_ = request_.open();
        const uint64_t credit = open_->initial_credit_bytes();
        credit_ = static_cast<int64_t>(
            std::min(credit == 0 ? uint64_t{4u << 20} : credit, kMaxCreditBytes));
      } else {
        end_ = absl::InvalidArgumentError("open: the first request of a stream must hold it");
      }
    } else if (request_.part_case() == v1::StreamPacksRequest::kCreditBytes) {
      credit_ = std::min(
          credit_ + static_cast<int64_t>(std::min(request_.credit_bytes(), kMaxCreditBytes)),
          static_cast<int64_t>(kMaxCreditBytes));
    } else {
      end_ = absl::InvalidArgumentError("credit_bytes: only credit may follow the first request");
    }
    StepIfDue();
    // An ended call's reads are over; its reactor may be gone as soon as the lock is.
    if (!ok || ended_) return;
    StartRead(&request_);
  }
}

void PackStream::OnWriteDone(bool ok) {
  absl::MutexLock lock(&mu_);
  busy_ = false;
  if (!ok && end_.ok()) end_ = absl::CancelledError("the reader went away");
  StepIfDue();
}

void PackStream::OnCancel() {
  absl::MutexLock lock(&mu_);
  if (end_.ok()) end_ = absl::CancelledError("the reader cancelled the stream");
  StepIfDue();
}

void PackStream::Stop() {
  absl::MutexLock lock(&mu_);
  if (end_.ok()) end_ = absl::UnavailableError("the cache server is stopping: open a new stream");
  StepIfDue();
}

void PackStream::OnDone() {
  host_->registry->Remove(this);
  delete this;
}

void PackStream::StepIfDue() {
  const bool out_of_credit = credit_ <= 0 && no_more_credit_;
  if (busy_ || ended_) return;
  if (end_.ok() && !(open_.has_value() && (credit_ > 0 || out_of_credit))) return;
  busy_ = true;
  host_->executor->Post([this] { Step(); });
}

void PackStream::Step() {
  const std::optional<absl::Status> end = Prepare();
  if (!end.has_value()) {
    host_->on_frame(frame_.count(), frame_.items().size());
    StartWrite(&frame_);
    return;
  }
  {
    absl::MutexLock lock(&mu_);
    ended_ = true;
  }
  Finish(rpc::ToGrpc(*end));
}

std::optional<absl::Status> PackStream::Prepare() {
  v1::StreamPacksRequest::Open open;
  {
    absl::MutexLock lock(&mu_);
    if (!end_.ok()) return end_;
    if (credit_ <= 0) {
      return absl::FailedPreconditionError("the reader closed its side with no credit left");
    }
    open = *open_;
  }
  if (source_ == nullptr) {
    absl::StatusOr<std::unique_ptr<FrameSource>> source = host_->open(open);
    if (!source.ok()) return source.status();
    source_ = *std::move(source);
  }
  const absl::StatusOr<bool> more = source_->Next(&frame_);
  if (!more.ok()) return more.status();
  if (!*more) return absl::OkStatus();
  absl::MutexLock lock(&mu_);
  credit_ -= static_cast<int64_t>(frame_.items().size());
  return std::nullopt;
}

}  // namespace limbeck::cache
