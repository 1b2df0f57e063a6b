#include "gateway/jobs/dataset_store.h"

#include <nlohmann/json.hpp>
#include <system_error>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "base/error_details.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/status.h"
#include "gateway/jobs/fault.h"
#include "gateway/jobs/job_keys.h"
#include "gateway/templates/rows/row_validation.h"

namespace limbeck::gateway {
namespace {

constexpr std::string_view kDatasetsTable = "datasets";
constexpr std::string_view kIdPrefix = "sha256:";
constexpr std::string_view kIncoming = "incoming";

bool IsHexDigest(std::string_view text) {
  if (text.size() != 64) return false;
  for (const char c : text) {
    if (!absl::ascii_isdigit(static_cast<unsigned char>(c)) && (c < 'a' || c > 'f')) return false;
  }
  return true;
}

RowFormat FormatOf(v1::DatasetFormat format) {
  if (format == v1::DATASET_FORMAT_TSV) return RowFormat::kTsv;
  return format == v1::DATASET_FORMAT_CSV ? RowFormat::kCsv : RowFormat::kJsonLines;
}

bool IsKnown(v1::DatasetFormat format) {
  return v1::DatasetFormat_IsValid(format) && format != v1::DATASET_FORMAT_UNSPECIFIED;
}

// Damaged and oversized files are the uploader's fault, unlike other read errors.
absl::Status FaultOfFile(const absl::Status& status) {
  if (!absl::IsDataLoss(status) && !absl::IsResourceExhausted(status) &&
      !absl::IsInvalidArgument(status)) {
    return status;
  }
  return WithReason(absl::InvalidArgumentError(status.message()), kRowInvalid);
}

// Names of the first row's columns; the CSV header's order, else as the JSON object has them.
absl::StatusOr<std::vector<std::string>> ColumnsOf(RowReader& reader) {
  if (!reader.header().empty()) return reader.header();
  LIMBECK_ASSIGN_OR_RETURN(const std::optional<Row> row, reader.Next());
  std::vector<std::string> columns;
  if (!row.has_value()) return columns;
  const nlohmann::json parsed = nlohmann::json::parse(row->columns, nullptr, false);
  if (!parsed.is_object()) return absl::InternalError("a row is not a JSON object");
  for (const auto& [name, value] : parsed.items()) columns.push_back(name);
  return columns;
}

}  // namespace

std::vector<std::string> DatasetStore::Tables() { return {std::string(kDatasetsTable)}; }

absl::StatusOr<std::unique_ptr<DatasetStore>> DatasetStore::Open(const DatasetStoreOptions& options,
                                                                 kv::Engine* engine) {
  std::error_code ignored;
  std::filesystem::remove_all(options.directory / kIncoming, ignored);
  LIMBECK_RETURN_IF_ERROR(MakeDirectories(options.directory / kIncoming));
  return std::unique_ptr<DatasetStore>(new DatasetStore(options, engine));
}

std::filesystem::path DatasetStore::PathOf(const std::string& id) const {
  return options_.directory / id.substr(kIdPrefix.size());
}

absl::StatusOr<std::unique_ptr<DatasetStore::Upload>> DatasetStore::Begin(
    const v1::UploadDatasetRequest::Header& header) {
  std::vector<FieldViolation> faults;
  if (!IsHexDigest(header.sha256())) {
    faults.push_back({"header.sha256", "expected 64 lower-case hexadecimal digits"});
  }
  if (!IsKnown(header.format())) {
    faults.push_back({"header.format",
                      "expected DATASET_FORMAT_JSONL, DATASET_FORMAT_CSV or DATASET_FORMAT_TSV"});
  }
  LIMBECK_RETURN_IF_ERROR(InvalidFields("the upload", faults));
  const std::string name = absl::StrCat(header.sha256(), "-", HexEncode(RandomBytes(8)));
  LIMBECK_ASSIGN_OR_RETURN(auto file, SideFile::Create(options_.directory / kIncoming / name));
  return std::unique_ptr<Upload>(new Upload(this, header, std::move(file)));
}

absl::Status DatasetStore::Upload::Append(std::string_view data) {
  if (file_->size() + data.size() > store_->options_.max_bytes) {
    return absl::ResourceExhaustedError(absl::StrCat("the file is larger than ",
                                                     store_->options_.max_bytes,
                                                     " bytes, the largest this gateway takes"));
  }
  return file_->Append(data);
}

absl::StatusOr<v1::Dataset> DatasetStore::Upload::Finish() {
  const uint64_t bytes = file_->size();
  LIMBECK_ASSIGN_OR_RETURN(const std::string digest, file_->Sync());
  if (HexEncode(digest) != header_.sha256()) {
    return absl::InvalidArgumentError(absl::StrCat("the file arrived with sha256 ",
                                                   HexEncode(digest), " instead of ",
                                                   header_.sha256(), "; upload it again"));
  }
  v1::Dataset dataset;
  dataset.set_id(absl::StrCat(ToAbsl(kIdPrefix), header_.sha256()));
  const absl::StatusOr<v1::Dataset> stored = store_->Get(dataset.id());
  if (stored.ok() && stored->format() == header_.format()) return stored;
  if (stored.ok()) {
    return absl::AlreadyExistsError(
        absl::StrCat(dataset.id(), " is stored already, in another format"));
  }
  if (!absl::IsNotFound(stored.status())) return stored.status();

  auto opened = store_->OpenFile(file_->path(), header_.format(), {});
  if (!opened.ok()) return FaultOfFile(opened.status());
  const std::unique_ptr<RowReader> reader = *std::move(opened);
  const auto checked = ValidateRows(*reader, {});
  if (!checked.ok()) return FaultOfFile(checked.status());
  const RowValidation& rows = *checked;
  if (!rows.ok()) return WithReason(rows.ToStatus(), kRowInvalid);
  if (rows.rows == 0) {
    return WithReason(absl::InvalidArgumentError("the file has no rows"), kRowInvalid);
  }
  LIMBECK_RETURN_IF_ERROR(reader->Seek(0));
  LIMBECK_ASSIGN_OR_RETURN(const std::vector<std::string> columns, ColumnsOf(*reader));
  dataset.set_display_name(header_.display_name());
  dataset.set_format(header_.format());
  dataset.set_rows(rows.rows);
  dataset.set_bytes(bytes);
  for (const std::string& column : columns) dataset.add_columns(column);

  LIMBECK_RETURN_IF_ERROR(file_->MoveTo(store_->PathOf(dataset.id())));
  kv::WriteBatch batch;
  batch.Put(kDatasetsTable, dataset.id(), dataset.SerializeAsString());
  LIMBECK_RETURN_IF_ERROR(store_->engine_->Write(batch));
  return dataset;
}

absl::StatusOr<v1::Dataset> DatasetStore::Get(const std::string& id) const {
  LIMBECK_ASSIGN_OR_RETURN(const std::optional<std::string> bytes,
                           engine_->Get(kDatasetsTable, id));
  if (!bytes.has_value()) {
    return absl::NotFoundError(absl::StrCat("there is no dataset \"", id, "\""));
  }
  v1::Dataset dataset;
  if (!dataset.ParseFromString(*bytes)) return absl::DataLossError("damaged entry of datasets");
  return dataset;
}

absl::StatusOr<Page<v1::Dataset>> DatasetStore::List(uint32_t page_size,
                                                     const std::string& page_token) const {
  LIMBECK_ASSIGN_OR_RETURN(const uint32_t limit, PageSize(page_size));
  LIMBECK_ASSIGN_OR_RETURN(const std::string begin, PageStart("", page_token));
  LIMBECK_ASSIGN_OR_RETURN(auto scan, engine_->Scan(kDatasetsTable, begin, ""));
  Page<v1::Dataset> page;
  for (; scan->Valid(); scan->Next()) {
    if (page.items.size() == limit) {
      page.next_token = PageToken(page.items.back().id());
      break;
    }
    v1::Dataset dataset;
    if (!dataset.ParseFromString(std::string(scan->value()))) {
      return absl::DataLossError("damaged entry of datasets");
    }
    page.items.push_back(std::move(dataset));
  }
  LIMBECK_RETURN_IF_ERROR(scan->status());
  return page;
}

absl::StatusOr<std::unique_ptr<RowReader>> DatasetStore::OpenRows(
    const v1::Dataset& dataset, const std::string& id_column,
    const std::string& text_column) const {
  RowReaderOptions options;
  options.id_column = id_column;
  options.text_column = text_column;
  return OpenFile(PathOf(dataset.id()), dataset.format(), std::move(options));
}

absl::StatusOr<std::unique_ptr<RowReader>> DatasetStore::OpenRowsWithoutIds(
    const v1::Dataset& dataset, const std::string& text_column) const {
  RowReaderOptions options;
  options.ids = false;
  options.text_column = text_column;
  return OpenFile(PathOf(dataset.id()), dataset.format(), std::move(options));
}

std::filesystem::path DatasetStore::DerivedPath(const std::string& id,
                                                std::string_view name) const {
  std::filesystem::path path = PathOf(id);
  path += absl::StrCat(".", ToAbsl(name));
  return path;
}

std::filesystem::path DatasetStore::ScratchPath() const {
  return options_.directory / kIncoming / absl::StrCat("scratch-", HexEncode(RandomBytes(8)));
}

absl::StatusOr<std::unique_ptr<RowReader>> DatasetStore::OpenFile(const std::filesystem::path& path,
                                                                  v1::DatasetFormat format,
                                                                  RowReaderOptions options) const {
  options.decompression.max_plain_bytes = options_.max_bytes;
  return RowReader::Open(path, FormatOf(format), options);
}

}  // namespace limbeck::gateway
