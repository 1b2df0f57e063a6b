// Cuts a worker's share of a snapshot into frames. Stored bytes go out as they are: nothing is
// decoded. Not thread-safe.
#pragma once

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "cache/snapshots/snapshot_reader.h"
#include "cache/snapshots/stream_plan.h"
#include "limbeck/v1/cache_service.pb.h"

namespace limbeck::cache {

// A frame is sent when it has reached the first; no item is added that would pass the second.
inline constexpr size_t kMinFrameBytes = 256u << 10;
inline constexpr size_t kMaxFrameBytes = 1u << 20;
// Positions travel in every frame; tiny items would make them the larger part.
inline constexpr int kMaxFrameItems = 16'384;

class FrameSource {
 public:
  FrameSource(StreamPlan plan, SnapshotReader reader)
      : plan_(std::move(plan)), reader_(std::move(reader)) {
    more_ = plan_.Next(&epoch_, &position_);
  }

  // Fills `*frame`; false after the last.
  absl::StatusOr<bool> Next(v1::StreamPacksResponse* frame);

 private:
  StreamPlan plan_;
  SnapshotReader reader_;
  // The next item to send.
  bool more_;
  uint32_t epoch_ = 0;
  uint64_t position_ = 0;
};

}  // namespace limbeck::cache
