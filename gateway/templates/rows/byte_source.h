// Buffered bytes of a file, read front to back and repositioned at will. A file that is compressed
// (compressed_file.h) is read as what it holds: every offset is one of the plain bytes.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gateway/templates/rows/compressed_file.h"

namespace limbeck::gateway {

// Holds one buffer, never the file. One thread.
class ByteSource {
 public:
  static constexpr int kEnd = -1;

  // NOT_FOUND and the like name the path.
  static absl::StatusOr<std::unique_ptr<ByteSource>> Open(const std::filesystem::path& path,
                                                          size_t buffer_bytes,
                                                          const DecompressionLimits& limits = {});
  ~ByteSource();
  ByteSource(const ByteSource&) = delete;
  ByteSource& operator=(const ByteSource&) = delete;

  // The next byte, or kEnd at the end of the file and after a read error; see status().
  int Next() {
    if (position_ == filled_ && !Fill()) return kEnd;
    return static_cast<unsigned char>(buffer_[position_++]);
  }
  int Peek() {
    if (position_ == filled_ && !Fill()) return kEnd;
    return static_cast<unsigned char>(buffer_[position_]);
  }

  // What of the buffer comes next, never empty but at the end and after a read error; valid until
  // the next call of another method. Skip passes over a part of it.
  std::string_view Buffered() {
    if (position_ == filled_ && !Fill()) return {};
    return {buffer_.data() + position_, filled_ - position_};
  }
  void Skip(size_t bytes) { position_ += bytes; }

  // Of the byte that Next returns next.
  uint64_t offset() const { return start_ + position_; }
  // After a read error reading is tried again. Constant time, but in a compressed file everything
  // up to `offset` is decompressed: again from the start when it lies behind the buffer.
  void Seek(uint64_t offset);

  // The read error that ended the source, else OK. DATA_LOSS for damaged and RESOURCE_EXHAUSTED for
  // oversized compressed data.
  const absl::Status& status() const { return status_; }

 private:
  ByteSource(std::filesystem::path path, int descriptor, size_t buffer_bytes);
  bool Fill();
  absl::StatusOr<size_t> ReadBuffer();

  const std::filesystem::path path_;
  const int descriptor_;
  std::vector<char> buffer_;
  std::unique_ptr<CompressedFile> compressed_;  // Null for a plain file.
  uint64_t start_ = 0;                          // Offset of buffer_[0] in the plain bytes.
  size_t position_ = 0;
  size_t filled_ = 0;
  absl::Status status_;
};

}  // namespace limbeck::gateway
