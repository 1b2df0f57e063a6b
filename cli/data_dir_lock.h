// One `limbeck up` per data folder.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "absl/status/statusor.h"

namespace limbeck::cli {

// Held while the object lives; the kernel drops it when the process dies in whatever way.
class DataDirLock {
 public:
  // Creates the folder when missing and takes its lock. FAILED_PRECONDITION names the process that
  // holds it, what it said of itself and since when.
  static absl::StatusOr<std::unique_ptr<DataDirLock>> Take(const std::filesystem::path& data_dir);

  ~DataDirLock();
  DataDirLock(const DataDirLock&) = delete;
  DataDirLock& operator=(const DataDirLock&) = delete;

  // What others are told beside process id and start, for example where the holder listens.
  absl::Status Describe(const std::string& text);

 private:
  explicit DataDirLock(int fd) : fd_(fd) {}

  const int fd_;
};

}  // namespace limbeck::cli
