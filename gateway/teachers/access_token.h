// Keys and bearer tokens that are renewed while the process runs.
#pragma once

#include <filesystem>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "base/secret.h"

namespace limbeck::gateway {

// Thread-safe.
class AccessToken {
 public:
  virtual ~AccessToken() = default;

  // The token to send now. Does not wait: UNAVAILABLE while there is none, so that the call is
  // tried again.
  virtual absl::StatusOr<Secret> Current() = 0;
};

// A key or token in a file that others write (an operator who changes a key, a mounted secret,
// `gcloud auth print-access-token` by cron): read again when the file's time of change differs. A
// file that cannot be read leaves the last one.
class TokenFile : public AccessToken {
 public:
  explicit TokenFile(std::string path) : path_(std::move(path)) {}

  absl::StatusOr<Secret> Current() override;

 private:
  const std::string path_;
  absl::Mutex mu_;
  Secret token_ ABSL_GUARDED_BY(mu_);
  std::filesystem::file_time_type changed_ ABSL_GUARDED_BY(mu_);
};

}  // namespace limbeck::gateway
