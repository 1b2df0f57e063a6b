#include "base/file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <system_error>

#include "absl/strings/str_cat.h"
#include "base/string_view.h"

namespace limbeck {
namespace {

absl::Status FileError(std::string_view action, const std::filesystem::path& path, int error) {
  return absl::ErrnoToStatus(error, absl::StrCat(ToAbsl(action), " ", path.string()));
}

// Closes the descriptor at scope end; Release hands it over.
class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }

 private:
  int fd_;
};

absl::Status WriteAll(int fd, const std::filesystem::path& path, std::string_view content) {
  while (!content.empty()) {
    const ssize_t written = ::write(fd, content.data(), content.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return FileError("write", path, errno);
    content.remove_prefix(static_cast<size_t>(written));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::string> ReadFile(const std::filesystem::path& path) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.get() < 0) return FileError("open", path, errno);
  std::string content;
  char buffer[1 << 16];
  while (true) {
    const ssize_t size = ::read(file.get(), buffer, sizeof(buffer));
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) return FileError("read", path, errno);
    if (size == 0) return content;
    content.append(buffer, static_cast<size_t>(size));
  }
}

absl::Status WriteFileDurably(const std::filesystem::path& path, std::string_view content) {
  std::filesystem::path side = path;
  side += absl::StrCat(".tmp.", ::getpid());
  {
    const Descriptor file(::open(side.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
    if (file.get() < 0) return FileError("create", side, errno);
    if (absl::Status status = WriteAll(file.get(), side, content); !status.ok()) {
      ::unlink(side.c_str());
      return status;
    }
    if (::fsync(file.get()) != 0) return FileError("sync", side, errno);
  }
  if (::rename(side.c_str(), path.c_str()) != 0) return FileError("rename to", path, errno);
  return SyncDirectory(path.has_parent_path() ? path.parent_path() : ".");
}

absl::Status SyncDirectory(const std::filesystem::path& directory) {
  const Descriptor fd(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (fd.get() < 0) return FileError("open directory", directory, errno);
  if (::fsync(fd.get()) != 0) return FileError("sync directory", directory, errno);
  return absl::OkStatus();
}

absl::Status MakeDirectories(const std::filesystem::path& directory) {
  std::error_code error;
  std::filesystem::create_directories(directory, error);
  if (error) return FileError("create directory", directory, error.value());
  return absl::OkStatus();
}

ScopedTempDirectory::ScopedTempDirectory() {
  std::string pattern = (std::filesystem::temp_directory_path() / "limbeck-XXXXXX").string();
  if (::mkdtemp(pattern.data()) == nullptr) {
    std::perror("mkdtemp");
    std::abort();
  }
  path_ = pattern;
}

ScopedTempDirectory::~ScopedTempDirectory() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

}  // namespace limbeck
