// Files written so that after any crash either the old or the new content is there.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace limbeck {

// The whole file. NOT_FOUND where there is none; messages name the path.
absl::StatusOr<std::string> ReadFile(const std::filesystem::path& path);

// Writes beside `path`, syncs, renames over it and syncs the directory.
absl::Status WriteFileDurably(const std::filesystem::path& path, std::string_view content);

// Makes a rename, creation or removal in `directory` durable.
absl::Status SyncDirectory(const std::filesystem::path& directory);

// Creates `directory` and its parents. OK when it exists already.
absl::Status MakeDirectories(const std::filesystem::path& directory);

// A fresh directory under the system's temporary folder, removed with all it holds at the end of
// the object's life. Movable, not copyable.
class ScopedTempDirectory {
 public:
  ScopedTempDirectory();
  ~ScopedTempDirectory();
  ScopedTempDirectory(const ScopedTempDirectory&) = delete;
  ScopedTempDirectory& operator=(const ScopedTempDirectory&) = delete;

  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

}  // namespace limbeck
