#include "gateway/templates/rows/byte_source.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "absl/strings/str_cat.h"

namespace limbeck::gateway {

ByteSource::ByteSource(std::filesystem::path path, int descriptor, size_t buffer_bytes)
    : path_(std::move(path)), descriptor_(descriptor), buffer_(buffer_bytes) {}

ByteSource::~ByteSource() { close(descriptor_); }

absl::StatusOr<std::unique_ptr<ByteSource>> ByteSource::Open(const std::filesystem::path& path,
                                                             size_t buffer_bytes) {
  if (buffer_bytes == 0) return absl::InvalidArgumentError("read buffer must not be empty");
  const int descriptor = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return absl::ErrnoToStatus(errno, absl::StrCat("open ", path.string()));
  return std::unique_ptr<ByteSource>(new ByteSource(path, descriptor, buffer_bytes));
}

bool ByteSource::Fill() {
  if (!status_.ok()) return false;
  start_ += filled_;
  position_ = filled_ = 0;
  ssize_t got;
  do {
    got = pread(descriptor_, buffer_.data(), buffer_.size(), static_cast<off_t>(start_));
  } while (got < 0 && errno == EINTR);
  if (got < 0) {
    status_ = absl::ErrnoToStatus(errno, absl::StrCat("read ", path_.string()));
    return false;
  }
  filled_ = static_cast<size_t>(got);
  return filled_ > 0;
}

void ByteSource::Seek(uint64_t offset) {
  if (offset >= start_ && offset - start_ <= filled_) {
    position_ = static_cast<size_t>(offset - start_);
    return;
  }
  start_ = offset;
  position_ = filled_ = 0;
}

}  // namespace limbeck::gateway
