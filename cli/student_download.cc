#include "cli/student_download.h"

#include <fstream>
#include <memory>
#include <set>

#include "absl/strings/str_cat.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/status.h"

namespace limbeck::cli {
namespace {

constexpr absl::Duration kDownloadTimeout = absl::Minutes(30);

// Writes the pieces of one file after another.
class PieceWriter {
 public:
  explicit PieceWriter(std::filesystem::path directory) : directory_(std::move(directory)) {}

  absl::Status Write(const v1::ArtifactChunk& chunk) {
    if (chunk.name() != name_) LIMBECK_RETURN_IF_ERROR(Open(chunk.name()));
    if (chunk.offset() != written_) {
      return absl::DataLossError(absl::StrCat(name_, ": a piece is missing at byte ", written_));
    }
    file_.write(chunk.data().data(), static_cast<std::streamsize>(chunk.data().size()));
    hash_->Update(chunk.data());
    written_ += chunk.data().size();
    return chunk.last() ? Close(chunk.sha256()) : absl::OkStatus();
  }

  absl::Status Finish() const {
    if (!name_.empty()) return absl::DataLossError(absl::StrCat(name_, ": the end is missing"));
    if (done_.empty()) return absl::DataLossError("the student has no files");
    return absl::OkStatus();
  }

 private:
  absl::Status Open(const std::string& name) {
    LIMBECK_RETURN_IF_ERROR(name_.empty() ? absl::OkStatus() : Finish());
    const std::filesystem::path path(name);
    if (name.empty() || path.filename() != path || name == "." || name == ".." ||
        done_.count(name) > 0) {
      return absl::DataLossError(absl::StrCat("\"", name, "\" is no name of a student's file"));
    }
    name_ = name;
    written_ = 0;
    hash_ = std::make_unique<Sha256Stream>();
    file_.open(directory_ / path, std::ios::binary);
    return absl::OkStatus();
  }

  absl::Status Close(const std::string& sha256) {
    file_.close();
    if (file_.fail()) {
      return absl::ResourceExhaustedError(
          absl::StrCat("cannot write ", (directory_ / name_).string(), "; is the disk full?"));
    }
    if (hash_->Finish() != sha256) {
      return absl::DataLossError(absl::StrCat(name_, ": arrived with a wrong SHA-256"));
    }
    done_.insert(name_);
    name_.clear();
    return absl::OkStatus();
  }

  const std::filesystem::path directory_;
  std::string name_;  // Empty between files.
  uint64_t written_ = 0;
  std::unique_ptr<Sha256Stream> hash_;
  std::ofstream file_;
  std::set<std::string> done_;
};

absl::Status Receive(v1::DistillationService::Stub* stub, const std::string& job_id,
                     const std::filesystem::path& directory) {
  grpc::ClientContext context;
  context.set_deadline(absl::ToChronoTime(absl::Now() + kDownloadTimeout));
  v1::DownloadStudentRequest request;
  request.set_id(job_id);
  const auto reader = stub->DownloadStudent(&context, request);
  PieceWriter writer(directory);
  v1::ArtifactChunk chunk;
  absl::Status written;
  while (written.ok() && reader->Read(&chunk)) written = writer.Write(chunk);
  if (!written.ok()) context.TryCancel();
  const grpc::Status status = reader->Finish();
  LIMBECK_RETURN_IF_ERROR(written);
  if (!status.ok()) return rpc::FromGrpc(status);
  return writer.Finish();
}

}  // namespace

absl::Status DownloadStudent(Session& session, const std::string& job_id,
                             const std::filesystem::path& directory) {
  std::error_code error;
  if (std::filesystem::exists(directory, error)) {
    return absl::AlreadyExistsError(
        absl::StrCat(directory.string(), " is there already; it was left alone"));
  }
  LIMBECK_ASSIGN_OR_RETURN(auto* stub, session.Jobs());
  std::filesystem::path partial = directory;
  partial += ".partial-" + HexEncode(RandomBytes(4));
  LIMBECK_RETURN_IF_ERROR(MakeDirectories(partial));
  absl::Status status = Receive(stub, job_id, partial);
  if (status.ok()) {
    std::filesystem::rename(partial, directory, error);
    if (error) {
      status = absl::InternalError(
          absl::StrCat("cannot rename to ", directory.string(), ": ", error.message()));
    }
  }
  if (!status.ok()) std::filesystem::remove_all(partial, error);
  return status;
}

}  // namespace limbeck::cli
