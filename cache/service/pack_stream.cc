#include "cache/service/pack_stream.h"

#include <grpcpp/support/proto_buffer_reader.h>

#include <algorithm>
#include <utility>

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
  v1::StreamPacksRequest request;
  if (ok) {
    grpc::ProtoBufferReader reader(&request_);
    // What cannot be parsed has no part set, which is refused below.
    if (!request.ParseFromZeroCopyStream(&reader)) request.Clear();
    request_.Clear();
  }
  absl::MutexLock lock(&mu_);
  if (ok) {
    OnRequest(request);
  } else {
    no_more_credit_ = true;
    if (!open_.has_value() && end_.ok()) {
      end_ = absl::InvalidArgumentError("open: the first request of a stream must hold it");
    }
  }
  StepIfDue();
  // An ended call's reads are over; its reactor may be gone as soon as the lock is.
  if (ok && !ended_) StartRead(&request_);
}

void PackStream::OnRequest(const v1::StreamPacksRequest& request) {
  if (!open_.has_value()) {
    if (!request.has_open()) {
      end_ = absl::InvalidArgumentError("open: the first request of a stream must hold it");
      return;
    }
    open_ = request.open();
    const uint64_t credit = open_->initial_credit_bytes();
    credit_ =
        static_cast<int64_t>(std::min(credit == 0 ? uint64_t{4u << 20} : credit, kMaxCreditBytes));
    return;
  }
  if (request.part_case() != v1::StreamPacksRequest::kCreditBytes) {
    end_ = absl::InvalidArgumentError("credit_bytes: only credit may follow the first request");
    return;
  }
  credit_ =
      std::min(credit_ + static_cast<int64_t>(std::min(request.credit_bytes(), kMaxCreditBytes)),
               static_cast<int64_t>(kMaxCreditBytes));
}

void PackStream::OnWriteDone(bool ok) {
  sent_ = {};
  {
    absl::MutexLock lock(&mu_);
    writing_ = false;
    if (!ok && end_.ok()) end_ = absl::CancelledError("the reader went away");
    const bool send = NextWork() == Work::kWrite;
    if (send) TakeReady();
    StepIfDue();
    if (!send) return;
  }
  Send();
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

std::optional<absl::Status> PackStream::End() const {
  if (!end_.ok()) return end_;
  if (prepared_all_ && !ready_.has_value()) return absl::OkStatus();
  if (credit_ <= 0 && no_more_credit_) {
    return absl::FailedPreconditionError("the reader closed its side with no credit left");
  }
  return std::nullopt;
}

PackStream::Work PackStream::NextWork() const {
  if (ended_) return Work::kNone;
  if (End().has_value()) return writing_ ? Work::kNone : Work::kEnd;
  if (ready_.has_value()) return !writing_ && credit_ > 0 ? Work::kWrite : Work::kNone;
  return open_.has_value() ? Work::kPrepare : Work::kNone;
}

void PackStream::StepIfDue() {
  if (stepping_ || NextWork() == Work::kNone) return;
  stepping_ = true;
  host_->executor->Post([this] { Step(); });
}

void PackStream::Step() {
  while (true) {
    Work work = Work::kNone;
    absl::Status end;
    {
      absl::MutexLock lock(&mu_);
      work = NextWork();
      if (work == Work::kNone) {
        stepping_ = false;
        return;
      }
      if (work == Work::kWrite) TakeReady();
      if (work == Work::kEnd) {
        end = *End();
        ended_ = true;
      }
    }
    if (work == Work::kPrepare) Prepare();
    if (work == Work::kWrite) Send();
    if (work == Work::kEnd) return Finish(rpc::ToGrpc(end));
  }
}

void PackStream::TakeReady() {
  writing_ = true;
  sent_ = *std::exchange(ready_, std::nullopt);
  credit_ -= static_cast<int64_t>(sent_.item_bytes);
}

void PackStream::Send() {
  host_->on_frame(sent_.items, sent_.item_bytes);
  StartWrite(&sent_.message);
}

void PackStream::Prepare() {
  absl::Status status;
  StreamFrame frame;
  bool more = false;
  if (source_ == nullptr) {
    v1::StreamPacksRequest::Open open;
    {
      absl::MutexLock lock(&mu_);
      open = *open_;
    }
    auto source = host_->open(open);
    status = source.status();
    if (status.ok()) source_ = *std::move(source);
  }
  if (status.ok()) {
    const absl::StatusOr<bool> next = source_->Next(&frame);
    status = next.status();
    more = next.ok() && *next;
  }
  absl::MutexLock lock(&mu_);
  if (more) {
    ready_ = std::move(frame);
  } else if (status.ok()) {
    prepared_all_ = true;
  } else if (end_.ok()) {
    end_ = status;
  }
}

}  // namespace limbeck::cache
