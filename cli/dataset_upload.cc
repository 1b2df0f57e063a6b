#include "cli/dataset_upload.h"

#include <fstream>
#include <functional>
#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "base/hash.h"
#include "base/status.h"

namespace limbeck::cli {
namespace {

// UploadDataset takes at most 1 MiB a message.
constexpr size_t kPieceBytes = 512u << 10;
// A large dataset on a slow line takes longer than an ordinary call.
constexpr absl::Duration kUploadTimeout = absl::Minutes(30);

// Calls `use` for each piece of the file until it returns false.
absl::Status ForEachPiece(const std::filesystem::path& path,
                          const std::function<bool(std::string_view)>& use) {
  std::error_code error;
  if (!std::filesystem::is_regular_file(path, error)) {
    return absl::NotFoundError(absl::StrCat("there is no file ", path.string()));
  }
  std::ifstream file(path, std::ios::binary);
  std::string piece(kPieceBytes, '\0');
  while (file) {
    file.read(piece.data(), static_cast<std::streamsize>(piece.size()));
    const auto count = static_cast<size_t>(file.gcount());
    if (count > 0 && !use(std::string_view(piece).substr(0, count))) return absl::OkStatus();
  }
  if (!file.eof()) {
    return absl::PermissionDeniedError(absl::StrCat("cannot read ", path.string()));
  }
  return absl::OkStatus();
}

absl::StatusOr<v1::Dataset> Send(v1::DatasetService::Stub* stub, const std::filesystem::path& path,
                                 const std::string& sha256, v1::DatasetFormat format) {
  grpc::ClientContext context;
  context.set_deadline(absl::ToChronoTime(absl::Now() + kUploadTimeout));
  v1::Dataset dataset;
  const auto writer = stub->UploadDataset(&context, &dataset);
  v1::UploadDatasetRequest request;
  auto* header = request.mutable_header();
  header->set_sha256(sha256);
  header->set_format(format);
  header->set_display_name(path.filename().string());
  // A failed Write means that the service has ended the call; Finish says why.
  absl::Status read_status;
  if (writer->Write(request)) {
    read_status = ForEachPiece(path, [&](std::string_view piece) {
      request.set_data(piece.data(), piece.size());
      return writer->Write(request);
    });
  }
  if (!read_status.ok()) context.TryCancel();
  writer->WritesDone();
  const grpc::Status status = writer->Finish();
  LIMBECK_RETURN_IF_ERROR(read_status);
  if (!status.ok()) return rpc::FromGrpc(status);
  return dataset;
}

}  // namespace

absl::StatusOr<v1::DatasetFormat> DatasetFormatOf(const std::filesystem::path& path) {
  std::string extension = absl::AsciiStrToLower(path.extension().string());
  // Whether and how a file is compressed is told by its content; the name only has to say what is
  // inside.
  if (extension == ".gz" || extension == ".zst") {
    extension = absl::AsciiStrToLower(path.stem().extension().string());
  }
  if (extension == ".jsonl") return v1::DATASET_FORMAT_JSONL;
  if (extension == ".csv") return v1::DATASET_FORMAT_CSV;
  if (extension == ".tsv") return v1::DATASET_FORMAT_TSV;
  return absl::InvalidArgumentError(
      absl::StrCat(path.string(),
                   ": the name of a dataset ends in .jsonl (one JSON object a line), .csv or .tsv "
                   "(with a header row), and .gz or .zst after it where it is compressed"));
}

absl::StatusOr<UploadResult> UploadDataset(Session& session, const std::filesystem::path& path) {
  LIMBECK_ASSIGN_OR_RETURN(const v1::DatasetFormat format, DatasetFormatOf(path));
  Sha256Stream hash;
  LIMBECK_RETURN_IF_ERROR(ForEachPiece(path, [&](std::string_view piece) {
    hash.Update(piece);
    return true;
  }));
  const std::string sha256 = HexEncode(hash.Finish());
  LIMBECK_ASSIGN_OR_RETURN(auto* stub, session.Datasets());
  v1::GetDatasetRequest request;
  request.set_id("sha256:" + sha256);
  auto known = Call(stub, &v1::DatasetService::Stub::GetDataset, request);
  if (known.ok()) return UploadResult{*std::move(known), true};
  if (known.status().code() != absl::StatusCode::kNotFound) return known.status();
  LIMBECK_ASSIGN_OR_RETURN(auto dataset, Send(stub, path, sha256, format));
  return UploadResult{std::move(dataset), false};
}

}  // namespace limbeck::cli
