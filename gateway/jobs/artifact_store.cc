#include "gateway/jobs/artifact_store.h"

#include <algorithm>
#include <fstream>
#include <set>
#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/status.h"

namespace limbeck::gateway {
namespace {

constexpr std::string_view kIncoming = ".incoming";
constexpr std::string_view kReplaced = ".replaced";
constexpr size_t kChunkBytes = 1u << 20;
constexpr size_t kMaxNameBytes = 128;

// Letters, digits, "-", "_" and "."; no leading dot: a worker cannot write anywhere else.
bool IsPlainName(std::string_view name) {
  if (name.empty() || name.size() > kMaxNameBytes || name.front() == '.') return false;
  return std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_' || c == '.';
  });
}

absl::Status ReadOne(const std::filesystem::path& path,
                     const std::function<absl::Status(const v1::ArtifactChunk&)>& take) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return absl::InternalError(absl::StrCat("cannot read ", path.string()));
  const uint64_t size = std::filesystem::file_size(path);
  Sha256Stream hash;
  uint64_t offset = 0;
  do {
    std::string data(std::min<uint64_t>(kChunkBytes, size - offset), '\0');
    if (!data.empty() && !file.read(data.data(), static_cast<std::streamsize>(data.size()))) {
      return absl::DataLossError(absl::StrCat(path.string(), " is shorter than it was"));
    }
    hash.Update(data);
    v1::ArtifactChunk chunk;
    chunk.set_name(path.filename().string());
    chunk.set_offset(offset);
    offset += data.size();
    chunk.set_data(std::move(data));
    chunk.set_last(offset == size);
    if (chunk.last()) chunk.set_sha256(hash.Finish());
    LIMBECK_RETURN_IF_ERROR(take(chunk));
  } while (offset < size);
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::unique_ptr<ArtifactStore>> ArtifactStore::Open(
    const ArtifactStoreOptions& options) {
  LIMBECK_RETURN_IF_ERROR(MakeDirectories(options.directory));
  std::error_code ignored;
  std::filesystem::remove_all(options.directory / kIncoming, ignored);
  std::filesystem::remove_all(options.directory / kReplaced, ignored);
  return std::unique_ptr<ArtifactStore>(new ArtifactStore(options));
}

absl::StatusOr<std::unique_ptr<ArtifactStore::Intake>> ArtifactStore::Begin(
    const std::string& job_id) {
  const std::filesystem::path side =
      options_.directory / kIncoming / absl::StrCat(job_id, "-", HexEncode(RandomBytes(8)));
  LIMBECK_RETURN_IF_ERROR(MakeDirectories(side));
  return std::unique_ptr<Intake>(new Intake(options_, side, options_.directory / job_id));
}

ArtifactStore::Intake::~Intake() {
  open_.reset();
  std::error_code ignored;
  std::filesystem::remove_all(side_, ignored);
}

absl::Status ArtifactStore::Intake::Add(const v1::ArtifactChunk& chunk) {
  if (open_ == nullptr) {
    if (!IsPlainName(chunk.name())) {
      return absl::InvalidArgumentError(
          absl::StrCat("artifact name \"", chunk.name(), "\" is not a plain file name"));
    }
    if (std::find(finished_.begin(), finished_.end(), chunk.name()) != finished_.end()) {
      return absl::InvalidArgumentError(absl::StrCat("artifact ", chunk.name(), " came twice"));
    }
    if (finished_.size() >= options_.max_files) {
      return absl::ResourceExhaustedError(
          absl::StrCat("a student of more than ", options_.max_files, " files"));
    }
    LIMBECK_ASSIGN_OR_RETURN(open_, SideFile::Create(side_ / chunk.name()));
  }
  if (open_->path().filename() != chunk.name() || open_->size() != chunk.offset()) {
    return absl::InvalidArgumentError(
        absl::StrCat("artifact ", chunk.name(), " at ", chunk.offset(), " came after ",
                     open_->path().filename().string(), " up to ", open_->size()));
  }
  bytes_ += chunk.data().size();
  if (bytes_ > options_.max_bytes) {
    return absl::ResourceExhaustedError(
        absl::StrCat("a student of more than ", options_.max_bytes, " bytes"));
  }
  LIMBECK_RETURN_IF_ERROR(open_->Append(chunk.data()));
  if (!chunk.last()) return absl::OkStatus();
  LIMBECK_ASSIGN_OR_RETURN(const std::string digest, open_->Sync());
  if (digest != chunk.sha256()) {
    return absl::InvalidArgumentError(
        absl::StrCat("artifact ", chunk.name(), " arrived with another hash than its sender's"));
  }
  open_->Keep();
  open_.reset();
  finished_.push_back(chunk.name());
  return absl::OkStatus();
}

bool ArtifactStore::Intake::HasFile(const std::string& name) const {
  return std::find(finished_.begin(), finished_.end(), name) != finished_.end();
}

absl::Status ArtifactStore::Intake::Finish() {
  if (open_ != nullptr) {
    return absl::FailedPreconditionError(
        absl::StrCat("artifact ", open_->path().filename().string(), " is incomplete"));
  }
  LIMBECK_RETURN_IF_ERROR(SyncDirectory(side_));
  std::error_code error;
  if (std::filesystem::exists(target_, error)) {
    const std::filesystem::path replaced = options_.directory / kReplaced;
    std::filesystem::remove_all(replaced, error);
    std::filesystem::rename(target_, replaced, error);
  }
  std::filesystem::rename(side_, target_, error);
  if (error) {
    return absl::InternalError(
        absl::StrCat("rename ", side_.string(), " to ", target_.string(), ": ", error.message()));
  }
  return SyncDirectory(options_.directory);
}

bool ArtifactStore::Has(const std::string& job_id) const {
  std::error_code ignored;
  return std::filesystem::is_directory(options_.directory / job_id, ignored);
}

absl::Status ArtifactStore::Read(
    const std::string& job_id,
    const std::function<absl::Status(const v1::ArtifactChunk&)>& take) const {
  if (!Has(job_id)) {
    return absl::NotFoundError(absl::StrCat("job \"", job_id, "\" has no student yet"));
  }
  std::set<std::filesystem::path> files;
  std::error_code error;
  for (const auto& entry :
       std::filesystem::directory_iterator(options_.directory / job_id, error)) {
    files.insert(entry.path());
  }
  if (error) return absl::InternalError(absl::StrCat("list ", job_id, ": ", error.message()));
  for (const std::filesystem::path& path : files) LIMBECK_RETURN_IF_ERROR(ReadOne(path, take));
  return absl::OkStatus();
}

}  // namespace limbeck::gateway
