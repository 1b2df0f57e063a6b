// One StreamPacks call: reads credits, writes frames, holds at most one frame.
#pragma once

#include <grpcpp/support/server_callback.h>

#include <functional>
#include <memory>
#include <optional>
#include <set>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "cache/service/frame_source.h"
#include "cache/service/stream_executor.h"
#include "limbeck/v1/cache_service.pb.h"

namespace limbeck::cache {

class PackStream;

// Streams alive, to count and to stop them. Thread-safe.
class StreamRegistry {
 public:
  explicit StreamRegistry(size_t max_streams) : max_streams_(max_streams) {}

  // RESOURCE_EXHAUSTED: too many streams. UNAVAILABLE: stopping.
  absl::Status Add(PackStream* stream);
  void Remove(PackStream* stream);
  // Ends all streams with UNAVAILABLE, and refuses new ones.
  void StopAll();
  size_t size() const;

 private:
  const size_t max_streams_;
  mutable absl::Mutex mu_;
  std::set<PackStream*> streams_ ABSL_GUARDED_BY(mu_);
  bool stopping_ ABSL_GUARDED_BY(mu_) = false;
};

// What a stream needs from its service; outlives it.
struct StreamHost {
  StreamRegistry* registry;
  StreamExecutor* executor;
  std::function<absl::StatusOr<std::unique_ptr<FrameSource>>(const v1::StreamPacksRequest::Open&)>
      open;
  std::function<void(size_t items, size_t bytes)> on_frame;
};

// Deletes itself when the call is over.
class PackStream : public grpc::ServerBidiReactor<v1::StreamPacksRequest, v1::StreamPacksResponse> {
 public:
  explicit PackStream(const StreamHost* host);

  void OnReadDone(bool ok) override;
  void OnWriteDone(bool ok) override;
  void OnCancel() override;
  void OnDone() override;

  // From StreamRegistry.
  void Stop();

 private:
  // Posts the next step when one is due. At most one step is posted or being written at a time,
  // and only a step ends the call; so nothing touches the stream after it has ended.
  void StepIfDue() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void Step();
  // The status to end the call with, or nullopt when `frame_` is to be sent.
  std::optional<absl::Status> Prepare();

  const StreamHost* const host_;
  v1::StreamPacksRequest request_;
  // The step's alone.
  std::unique_ptr<FrameSource> source_;
  v1::StreamPacksResponse frame_;

  absl::Mutex mu_;
  std::optional<v1::StreamPacksRequest::Open> open_ ABSL_GUARDED_BY(mu_);
  absl::Status end_ ABSL_GUARDED_BY(mu_);  // Not OK: the next step ends the call with it.
  int64_t credit_ ABSL_GUARDED_BY(mu_) = 0;
  bool no_more_credit_ ABSL_GUARDED_BY(mu_) = false;
  bool busy_ ABSL_GUARDED_BY(mu_) = false;
  bool ended_ ABSL_GUARDED_BY(mu_) = false;
};

}  // namespace limbeck::cache
