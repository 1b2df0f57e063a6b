// One StreamPacks call: reads credits, writes frames. While one frame is on the wire the next is
// being read; there is never a third.
#pragma once

#include <grpcpp/support/byte_buffer.h>
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

// Deletes itself when the call is over. Works on serialised messages, so that frames can point to
// stored bytes.
class PackStream : public grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer> {
 public:
  explicit PackStream(const StreamHost* host);

  void OnReadDone(bool ok) override;
  void OnWriteDone(bool ok) override;
  void OnCancel() override;
  void OnDone() override;

  // From StreamRegistry.
  void Stop();

 private:
  enum class Work { kNone, kPrepare, kWrite, kEnd };

  void OnRequest(const v1::StreamPacksRequest& request) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // What can be done now by whoever may do it.
  Work NextWork() const ABSL_SHARED_LOCKS_REQUIRED(mu_);
  // The status to end the call with once nothing is being written, or nullopt to go on.
  std::optional<absl::Status> End() const ABSL_SHARED_LOCKS_REQUIRED(mu_);
  // Posts a step when there is work. At most one is posted or runs at a time, and only a step that
  // finds nothing being written ends the call; so neither a step nor a writer loses the stream.
  void StepIfDue() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void Step();
  void Prepare();
  // Moves the prepared frame to where it is written from; then call Send without the lock.
  void TakeReady() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void Send();

  const StreamHost* const host_;
  grpc::ByteBuffer request_;
  // The step's alone.
  std::unique_ptr<FrameSource> source_;
  // The writer's alone, from TakeReady to OnWriteDone.
  StreamFrame sent_;

  absl::Mutex mu_;
  std::optional<v1::StreamPacksRequest::Open> open_ ABSL_GUARDED_BY(mu_);
  std::optional<StreamFrame> ready_ ABSL_GUARDED_BY(mu_);
  bool prepared_all_ ABSL_GUARDED_BY(mu_) = false;
  absl::Status end_ ABSL_GUARDED_BY(mu_);  // Not OK: the call ends with it.
  int64_t credit_ ABSL_GUARDED_BY(mu_) = 0;
  bool no_more_credit_ ABSL_GUARDED_BY(mu_) = false;
  bool stepping_ ABSL_GUARDED_BY(mu_) = false;
  bool writing_ ABSL_GUARDED_BY(mu_) = false;
  bool ended_ ABSL_GUARDED_BY(mu_) = false;
};

}  // namespace limbeck::cache
