// Reads forward over a message as it was received: in pieces, without putting them together.
#pragma once

#include <grpcpp/support/byte_buffer.h>
#include <grpcpp/support/slice.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace limbeck::cache {

// Each read returns false once it would pass the end. Not thread-safe; copies share the pieces.
class SliceCursor {
 public:
  SliceCursor() = default;
  // Borrows `slices`.
  explicit SliceCursor(const std::vector<grpc::Slice>* slices);

  size_t left() const { return left_; }
  // Leaves nothing after the next `size` bytes.
  void Truncate(size_t size) { left_ = size < left_ ? size : left_; }

  // Protobuf's base-128 integers.
  bool Varint(uint64_t* value);
  // Little-endian.
  bool Fixed64(uint64_t* value);
  // The next `size` bytes in one piece: where they lie, or put together in `*scratch`. Valid as
  // long as both.
  bool Bytes(size_t size, std::string* scratch, std::string_view* bytes);
  bool Skip(size_t size);
  // The bytes up to the end of the current piece; empty at the end.
  std::string_view Piece() const;

 private:
  const std::vector<grpc::Slice>* slices_ = nullptr;
  size_t slice_ = 0;
  size_t offset_ = 0;  // Within the current slice.
  size_t left_ = 0;
};

}  // namespace limbeck::cache
