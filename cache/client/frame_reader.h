// One received v1::StreamPacksResponse, read where it lies: its bytes are checked once and copied
// once, into the items.
#pragma once

#include <grpcpp/support/byte_buffer.h>
#include <grpcpp/support/slice.h>

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "cache/client/cache_client.h"
#include "cache/client/slice_cursor.h"

namespace limbeck::cache {

// Not thread-safe. Reused for frame after frame.
class FrameReader {
 public:
  // DATA_LOSS when the frame is not what left the server.
  absl::Status Open(const grpc::ByteBuffer& message);
  // Drops the frame.
  void Close();

  // Whether every item of the frame was read.
  bool AtEnd() const { return next_ == positions_.size(); }
  // The next item, unless AtEnd. DATA_LOSS when malformed.
  absl::StatusOr<StreamItem> Next();
  // Bytes of the items, which is what credit is counted in.
  size_t item_bytes() const { return item_bytes_; }

 private:
  bool Parse();
  bool ParseField(uint64_t tag, SliceCursor* in);
  uint64_t ItemsChecksum() const;

  std::vector<grpc::Slice> slices_;
  uint32_t epoch_ = 0;
  uint64_t count_ = 0;
  uint64_t checksum_ = 0;
  std::vector<uint64_t> positions_;
  size_t next_ = 0;
  size_t item_bytes_ = 0;
  SliceCursor items_;
  std::string scratch_;
};

}  // namespace limbeck::cache
