#include "gateway/templates/rows/byte_source.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status.h"

namespace limbeck::gateway {

ByteSource::ByteSource(std::filesystem::path path, int descriptor, size_t buffer_bytes)
    : path_(std::move(path)), descriptor_(descriptor), buffer_(buffer_bytes) {}

ByteSource::~ByteSource() { close(descriptor_); }

absl::StatusOr<std::unique_ptr<ByteSource>> ByteSource::Open(const std::filesystem::path& path,
                                                             size_t buffer_bytes,
                                                             const DecompressionLimits& limits) {
  if (buffer_bytes == 0) return absl::InvalidArgumentError("read buffer must not be empty");
  const int descriptor = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return absl::ErrnoToStatus(errno, absl::StrCat("open ", path.string()));
  std::unique_ptr<ByteSource> source(new ByteSource(path, descriptor, buffer_bytes));
  const auto compression = CompressedFile::Detect(path, descriptor);
  if (!compression.ok()) {
    source->status_ = compression.status();
  } else if (*compression != Compression::kNone) {
    source->compressed_ =
        std::make_unique<CompressedFile>(path, descriptor, *compression, buffer_bytes, limits);
  }
  return source;
}

absl::StatusOr<size_t> ByteSource::ReadBuffer() {
  if (compressed_ != nullptr) {
    if (compressed_->position() > start_) compressed_->Rewind();
    // What lies before the wanted byte is decompressed and thrown away.
    while (compressed_->position() < start_) {
      const uint64_t left = start_ - compressed_->position();
      const size_t piece = static_cast<size_t>(std::min<uint64_t>(left, buffer_.size()));
      LIMBECK_ASSIGN_OR_RETURN(const size_t got, compressed_->Read(buffer_.data(), piece));
      if (got == 0) return size_t{0};
    }
    return compressed_->Read(buffer_.data(), buffer_.size());
  }
  ssize_t got;
  do {
    got = pread(descriptor_, buffer_.data(), buffer_.size(), static_cast<off_t>(start_));
  } while (got < 0 && errno == EINTR);
  if (got < 0) return absl::ErrnoToStatus(errno, absl::StrCat("read ", path_.string()));
  return static_cast<size_t>(got);
}

bool ByteSource::Fill() {
  if (!status_.ok()) return false;
  start_ += filled_;
  position_ = filled_ = 0;
  const absl::StatusOr<size_t> got = ReadBuffer();
  if (!got.ok()) {
    status_ = got.status();
    // A decoder that failed is good for nothing before it starts over.
    if (compressed_ != nullptr) compressed_->Rewind();
    return false;
  }
  filled_ = *got;
  return filled_ > 0;
}

void ByteSource::Seek(uint64_t offset) {
  status_ = absl::OkStatus();
  if (offset >= start_ && offset - start_ <= filled_) {
    position_ = static_cast<size_t>(offset - start_);
    return;
  }
  start_ = offset;
  position_ = filled_ = 0;
}

}  // namespace limbeck::gateway
