#include "cache/snapshots/directory/directory_pack_store.h"

#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/status.h"

namespace limbeck::cache {
namespace {

class DirectoryPackStore : public PackStore {
 public:
  explicit DirectoryPackStore(std::filesystem::path folder) : folder_(std::move(folder)) {}

  absl::StatusOr<std::string> Put(std::string_view bytes) override {
    std::string name = Sha256Hex(bytes);
    // One writer at a time: two of the same pack would share the temporary name.
    absl::MutexLock lock(&mu_);
    const absl::StatusOr<std::string> there = Get(name);
    if (there.ok()) return name;
    const std::filesystem::path path = PathOf(name);
    if (std::error_code ignored; !std::filesystem::exists(path.parent_path(), ignored)) {
      LIMBECK_RETURN_IF_ERROR(MakeDirectories(path.parent_path()));
      LIMBECK_RETURN_IF_ERROR(SyncDirectory(folder_));
    }
    LIMBECK_RETURN_IF_ERROR(WriteFileDurably(path, bytes));
    return name;
  }

  absl::StatusOr<std::string> Get(std::string_view name) override {
    if (!IsPackName(name)) {
      return absl::InvalidArgumentError("a pack's name is 64 hexadecimal digits");
    }
    LIMBECK_ASSIGN_OR_RETURN(std::string bytes, ReadFile(PathOf(name)));
    if (Sha256Hex(bytes) != name) {
      return absl::DataLossError(absl::StrCat("pack ", ToAbsl(name), " is damaged"));
    }
    return bytes;
  }

 private:
  std::filesystem::path PathOf(std::string_view name) const {
    return folder_ / name.substr(0, 2) / (std::string(name) + ".pack");
  }

  const std::filesystem::path folder_;
  absl::Mutex mu_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<PackStore>> OpenDirectoryPackStore(
    const std::filesystem::path& folder) {
  LIMBECK_RETURN_IF_ERROR(MakeDirectories(folder));
  return std::unique_ptr<PackStore>(new DirectoryPackStore(folder));
}

}  // namespace limbeck::cache
