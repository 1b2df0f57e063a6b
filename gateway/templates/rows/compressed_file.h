// The plain bytes of a file that may be compressed: gzip (RFC 1952) and Zstandard (RFC 8878), told
// by their first bytes, decompressed as they are read.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace limbeck::gateway {

enum class Compression { kNone, kGzip, kZstd };

struct DecompressionLimits {
  // Plain bytes taken from one file: what stops a decompression bomb. The same as the largest file
  // that a dataset may be without compression.
  uint64_t max_plain_bytes = uint64_t{16} << 30;
  // log2 of the window that a zstd frame may ask for, which is memory: 128 MiB, the zstd program's
  // own limit.
  int max_zstd_window_log = 27;
};

// Turns compressed bytes into plain ones. One thread. Several gzip members or zstd frames one after
// the other are one text, as their programs have it.
class Decoder {
 public:
  struct Step {
    size_t taken = 0;  // Bytes of the input used up.
    size_t given = 0;  // Bytes of the output filled.
  };
  static std::unique_ptr<Decoder> Create(Compression compression,
                                         const DecompressionLimits& limits);
  virtual ~Decoder() = default;

  // Makes progress unless the input is empty. DATA_LOSS says what is wrong with the input.
  virtual absl::StatusOr<Step> Run(const char* in, size_t in_size, char* out, size_t out_size) = 0;
  // Whether the input may end here.
  virtual bool complete() const = 0;
  // Starts over with the first byte of the input.
  virtual void Reset() = 0;
};

// Reads a file front to back; holds one buffer of it and the decoder's window. One thread.
class CompressedFile {
 public:
  // The file's first bytes decide; a file that has none is plain.
  static absl::StatusOr<Compression> Detect(const std::filesystem::path& path, int descriptor);

  // Does not own `descriptor`, which must outlive it. `compression` is not kNone.
  CompressedFile(std::filesystem::path path, int descriptor, Compression compression,
                 size_t buffer_bytes, const DecompressionLimits& limits);

  // Fills at most `size` plain bytes; 0 at the end. DATA_LOSS for damaged or truncated data and
  // RESOURCE_EXHAUSTED past `max_plain_bytes`, both with the offset in the file.
  absl::StatusOr<size_t> Read(char* out, size_t size);
  // Goes back to the first byte.
  void Rewind();
  // Plain bytes given since the start.
  uint64_t position() const { return position_; }

 private:
  absl::Status FillInput();
  absl::Status At(const absl::Status& status) const;

  const std::filesystem::path path_;
  const int descriptor_;
  const DecompressionLimits limits_;
  const std::unique_ptr<Decoder> decoder_;
  std::vector<char> input_;
  size_t begin_ = 0;
  size_t end_ = 0;
  uint64_t file_offset_ = 0;  // Of input_[end_].
  bool input_ended_ = false;
  uint64_t position_ = 0;
};

}  // namespace limbeck::gateway
