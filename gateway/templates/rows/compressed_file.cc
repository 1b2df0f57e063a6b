#include "gateway/templates/rows/compressed_file.h"

#include <unistd.h>

#include <cerrno>
#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status.h"

namespace limbeck::gateway {
namespace {

absl::StatusOr<size_t> ReadAt(const std::filesystem::path& path, int descriptor, uint64_t offset,
                              char* out, size_t size) {
  ssize_t got;
  do {
    got = pread(descriptor, out, size, static_cast<off_t>(offset));
  } while (got < 0 && errno == EINTR);
  if (got < 0) return absl::ErrnoToStatus(errno, absl::StrCat("read ", path.string()));
  return static_cast<size_t>(got);
}

}  // namespace

absl::StatusOr<Compression> CompressedFile::Detect(const std::filesystem::path& path,
                                                   int descriptor) {
  char magic[4] = {};
  LIMBECK_ASSIGN_OR_RETURN(const size_t got, ReadAt(path, descriptor, 0, magic, sizeof(magic)));
  const std::string_view start(magic, got);
  if (start.substr(0, 2) == "\x1f\x8b") return Compression::kGzip;
  if (start == "\x28\xb5\x2f\xfd") return Compression::kZstd;
  return Compression::kNone;
}

CompressedFile::CompressedFile(std::filesystem::path path, int descriptor, Compression compression,
                               size_t buffer_bytes, const DecompressionLimits& limits)
    : path_(std::move(path)),
      descriptor_(descriptor),
      limits_(limits),
      decoder_(Decoder::Create(compression, limits)),
      input_(buffer_bytes) {}

absl::Status CompressedFile::At(const absl::Status& status) const {
  return absl::Status(status.code(),
                      absl::StrCat(absl::string_view(status.message()), " (near byte ",
                                   file_offset_ - (end_ - begin_), " of the compressed file)"));
}

absl::Status CompressedFile::FillInput() {
  LIMBECK_ASSIGN_OR_RETURN(end_,
                           ReadAt(path_, descriptor_, file_offset_, input_.data(), input_.size()));
  begin_ = 0;
  file_offset_ += end_;
  input_ended_ = end_ == 0;
  return absl::OkStatus();
}

absl::StatusOr<size_t> CompressedFile::Read(char* out, size_t size) {
  while (true) {
    if (begin_ == end_ && !input_ended_) LIMBECK_RETURN_IF_ERROR(FillInput());
    auto step = decoder_->Run(input_.data() + begin_, end_ - begin_, out, size);
    if (!step.ok()) return At(step.status());
    begin_ += step->taken;
    position_ += step->given;
    if (position_ > limits_.max_plain_bytes) {
      return At(absl::ResourceExhaustedError(
          absl::StrCat("the compressed file holds more than ", limits_.max_plain_bytes,
                       " bytes, the most that a dataset may have")));
    }
    if (step->given > 0) return step->given;
    if (!input_ended_ || step->taken > 0) continue;
    if (decoder_->complete()) return size_t{0};
    return At(absl::DataLossError("the compressed data ends in the middle; it was cut off"));
  }
}

void CompressedFile::Rewind() {
  decoder_->Reset();
  begin_ = end_ = 0;
  file_offset_ = position_ = 0;
  input_ended_ = false;
}

}  // namespace limbeck::gateway
