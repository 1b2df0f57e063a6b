#include "trainer/worker/snapshot_streams.h"

#include <algorithm>
#include <utility>

#include "base/status.h"

namespace limbeck::trainer {
namespace {

class SharedStream : public cache::ItemStream {
 public:
  explicit SharedStream(std::shared_ptr<cache::ItemStream> stream) : stream_(std::move(stream)) {}
  absl::StatusOr<cache::StreamItem> Next() override { return stream_->Next(); }
  void Cancel() override { stream_->Cancel(); }

 private:
  const std::shared_ptr<cache::ItemStream> stream_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<cache::ItemStream>> SnapshotStreams::Open(
    const cache::StreamOptions& options) {
  LIMBECK_ASSIGN_OR_RETURN(std::shared_ptr<cache::ItemStream> stream, client_->Stream(options));
  {
    absl::MutexLock lock(&mu_);
    if (cancelled_) return absl::CancelledError("stopped");
    open_.erase(std::remove_if(open_.begin(), open_.end(),
                               [](const auto& other) { return other.expired(); }),
                open_.end());
    open_.push_back(stream);
  }
  return std::make_unique<SharedStream>(std::move(stream));
}

void SnapshotStreams::Cancel() {
  std::vector<std::weak_ptr<cache::ItemStream>> open;
  {
    absl::MutexLock lock(&mu_);
    cancelled_ = true;
    open.swap(open_);
  }
  for (const auto& weak : open) {
    if (const auto stream = weak.lock()) stream->Cancel();
  }
}

}  // namespace limbeck::trainer
