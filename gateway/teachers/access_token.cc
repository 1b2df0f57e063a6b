#include "gateway/teachers/access_token.h"

#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"

namespace limbeck::gateway {

absl::StatusOr<Secret> TokenFile::Current() {
  absl::MutexLock lock(&mu_);
  std::error_code error;
  const auto changed = std::filesystem::last_write_time(path_, error);
  if (!error && (token_.empty() || changed != changed_)) {
    absl::StatusOr<Secret> read = Secret::FromFile(path_);
    if (read.ok()) {
      token_ = *std::move(read);
      changed_ = changed;
    }
  }
  if (token_.empty()) {
    return absl::UnavailableError(absl::StrCat("no access token can be read from ", path_));
  }
  return token_;
}

}  // namespace limbeck::gateway
