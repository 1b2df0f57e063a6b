#include "cli/data_dir_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "base/file.h"
#include "base/status.h"

namespace limbeck::cli {
namespace {

constexpr const char* kFileName = "up.lock";

std::string ReadHolder(int fd) {
  char buffer[512];
  const ssize_t count = pread(fd, buffer, sizeof(buffer), 0);
  if (count <= 0) return "another process";
  return std::string(absl::StripAsciiWhitespace(absl::string_view(buffer, count)));
}

}  // namespace

absl::StatusOr<std::unique_ptr<DataDirLock>> DataDirLock::Take(
    const std::filesystem::path& data_dir) {
  LIMBECK_RETURN_IF_ERROR(MakeDirectories(data_dir));
  const std::filesystem::path path = data_dir / kFileName;
  const int fd = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0) {
    return absl::PermissionDeniedError(absl::StrCat(path.string(), ": ", std::strerror(errno)));
  }
  std::unique_ptr<DataDirLock> lock(new DataDirLock(fd));
  if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
    return absl::FailedPreconditionError(
        absl::StrCat("the data folder ", data_dir.string(), " is in use by ", ReadHolder(fd)));
  }
  LIMBECK_RETURN_IF_ERROR(lock->Describe("starting"));
  return lock;
}

DataDirLock::~DataDirLock() { close(fd_); }

absl::Status DataDirLock::Describe(const std::string& text) {
  const std::string line = absl::StrCat("limbeck up, process ", getpid(), ", ", text, ", written ",
                                        absl::FormatTime(absl::Now(), absl::UTCTimeZone()), "\n");
  if (ftruncate(fd_, 0) != 0 ||
      pwrite(fd_, line.data(), line.size(), 0) != static_cast<ssize_t>(line.size())) {
    return absl::InternalError(
        absl::StrCat("cannot write ", kFileName, ": ", std::strerror(errno)));
  }
  return absl::OkStatus();
}

}  // namespace limbeck::cli
