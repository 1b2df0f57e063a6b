#include "gateway/jobs/side_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <system_error>

#include "absl/strings/str_cat.h"
#include "base/file.h"
#include "base/status.h"

namespace limbeck::gateway {
namespace {

absl::Status ErrnoStatus(std::string_view action, const std::filesystem::path& path, int error) {
  const std::string message =
      absl::StrCat(ToAbsl(action), " ", path.string(), ": ", std::strerror(error));
  if (error == ENOSPC || error == EDQUOT) return absl::ResourceExhaustedError(message);
  return absl::InternalError(message);
}

}  // namespace

absl::StatusOr<std::unique_ptr<SideFile>> SideFile::Create(const std::filesystem::path& path) {
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);
  if (fd < 0) return ErrnoStatus("create", path, errno);
  return std::unique_ptr<SideFile>(new SideFile(path, fd));
}

SideFile::~SideFile() {
  CloseFile();
  std::error_code ignored;
  if (removable_) std::filesystem::remove(path_, ignored);
}

void SideFile::CloseFile() {
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
}

absl::Status SideFile::Append(std::string_view data) {
  hash_.Update(data);
  size_ += data.size();
  while (!data.empty()) {
    const ssize_t written = ::write(fd_, data.data(), data.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return ErrnoStatus("write", path_, errno);
    data.remove_prefix(static_cast<size_t>(written));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::string> SideFile::Sync() {
  if (::fsync(fd_) != 0) return ErrnoStatus("sync", path_, errno);
  CloseFile();
  return hash_.Finish();
}

absl::Status SideFile::MoveTo(const std::filesystem::path& target) {
  std::error_code error;
  std::filesystem::rename(path_, target, error);
  if (error) return ErrnoStatus("rename", path_, error.value());
  removable_ = false;
  return SyncDirectory(target.parent_path());
}

}  // namespace limbeck::gateway
