// Cuts a worker's share of a snapshot into frames. Stored bytes go out as they are and, where items
// are large, from where they lie: nothing is decoded and little is copied. Not thread-safe.
#pragma once

#include <grpcpp/support/byte_buffer.h>

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "cache/snapshots/snapshot_reader.h"
#include "cache/snapshots/stream_plan.h"

namespace limbeck::cache {

// A frame is sent when it has reached the first; no item is added that would pass the second.
inline constexpr size_t kMinFrameBytes = 256u << 10;
inline constexpr size_t kMaxFrameBytes = 1u << 20;
// Positions travel in every frame; tiny items would make them the larger part.
inline constexpr int kMaxFrameItems = 16'384;
// Items from this size on are sent from their pack, which stays in memory until they are gone; for
// smaller ones a copy is cheaper than a piece of their own.
inline constexpr size_t kMinSharedItemBytes = 2u << 10;

// A serialised v1::StreamPacksResponse.
struct StreamFrame {
  grpc::ByteBuffer message;
  size_t items = 0;
  size_t item_bytes = 0;  // What credit is counted in.
};

class FrameSource {
 public:
  FrameSource(StreamPlan plan, SnapshotReader reader) : plan_(plan), reader_(std::move(reader)) {
    more_ = plan_.Next(&epoch_, &position_);
  }

  // Fills `*frame`; false after the last.
  absl::StatusOr<bool> Next(StreamFrame* frame);

 private:
  StreamPlan plan_;
  SnapshotReader reader_;
  // The next item to send.
  bool more_;
  uint32_t epoch_ = 0;
  uint64_t position_ = 0;
};

}  // namespace limbeck::cache
