#include "base/kv/rocksdb/rocksdb_status.h"

#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/string_view.h"

namespace limbeck::kv {
namespace {

absl::StatusCode Code(const rocksdb::Status& status) {
  if (status.IsCorruption()) return absl::StatusCode::kDataLoss;
  if (status.IsNoSpace() || status.subcode() == rocksdb::Status::kSpaceLimit ||
      status.IsMemoryLimit()) {
    return absl::StatusCode::kResourceExhausted;
  }
  if (status.IsIOError() || status.IsBusy() || status.IsTimedOut() || status.IsTryAgain() ||
      status.IsShutdownInProgress()) {
    return absl::StatusCode::kUnavailable;
  }
  return absl::StatusCode::kInternal;
}

}  // namespace

absl::Status FromRocksdb(const rocksdb::Status& status, std::string_view action) {
  if (status.ok()) return absl::OkStatus();
  return absl::Status(Code(status), absl::StrCat(ToAbsl(action), ": ", status.ToString()));
}

absl::Status FromRocksdbOpen(const rocksdb::Status& status, std::string_view path) {
  // RocksDB has no code for a held lock. Both of its messages name the file: "While lock file:
  // …/LOCK: Resource temporarily unavailable" and "lock hold by current process …: …/LOCK: No
  // locks available".
  const std::string text = status.ToString();
  if (status.IsIOError() && absl::StrContains(text, "/LOCK") &&
      (absl::StrContains(text, "While lock file") || absl::StrContains(text, "lock hold by"))) {
    return absl::FailedPreconditionError(
        absl::StrCat("database folder ", ToAbsl(path),
                     " is open in another process (or twice in this one); stop that process or "
                     "give this one a folder of its own (",
                     text, ")"));
  }
  return FromRocksdb(status, absl::StrCat("open database ", ToAbsl(path)));
}

}  // namespace limbeck::kv
