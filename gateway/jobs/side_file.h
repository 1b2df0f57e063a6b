// A file that grows beside its final place and appears there whole or not at all.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/hash.h"

namespace limbeck::gateway {

// One thread at a time.
class SideFile {
 public:
  // Creates `path`, replacing what is there. Its folder must exist.
  static absl::StatusOr<std::unique_ptr<SideFile>> Create(const std::filesystem::path& path);
  // Removes the file unless it was moved or kept.
  ~SideFile();
  SideFile(const SideFile&) = delete;
  SideFile& operator=(const SideFile&) = delete;

  // RESOURCE_EXHAUSTED when the disk is full.
  absl::Status Append(std::string_view data);
  uint64_t size() const { return size_; }
  const std::filesystem::path& path() const { return path_; }

  // Syncs the content and returns its SHA-256, 32 bytes. No Append may follow.
  absl::StatusOr<std::string> Sync();
  // After Sync: moves the file to `target` in a durable way.
  absl::Status MoveTo(const std::filesystem::path& target);
  // After Sync: leaves the file where it is.
  void Keep() { removable_ = false; }

 private:
  SideFile(std::filesystem::path path, int fd) : path_(std::move(path)), fd_(fd) {}
  void CloseFile();

  const std::filesystem::path path_;
  int fd_;
  bool removable_ = true;
  uint64_t size_ = 0;
  Sha256Stream hash_;
};

}  // namespace limbeck::gateway
