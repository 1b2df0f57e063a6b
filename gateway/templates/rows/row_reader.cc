#include "gateway/templates/rows/row_reader.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>
#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/hash.h"
#include "base/status.h"
#include "base/string_view.h"
#include "gateway/templates/rows/csv_record.h"
#include "gateway/templates/rows/json_record.h"

namespace limbeck::gateway {
namespace {

// Bytes of a content hash that make a row id: 128 bits leave no accidental collisions.
constexpr size_t kRowIdBytes = 16;

RecordKind KindOf(RowFormat format) {
  switch (format) {
    case RowFormat::kCsv:
      return RecordKind::kCsvRecord;
    case RowFormat::kTsv:
      return RecordKind::kTsvRecord;
    case RowFormat::kJsonLines:
      break;
  }
  return RecordKind::kLine;
}

char DelimiterOf(RowFormat format) { return format == RowFormat::kTsv ? '\t' : ','; }

std::string_view NameOf(RowFormat format) { return format == RowFormat::kTsv ? "TSV" : "CSV"; }

void SkipByteOrderMark(ByteSource& source) {
  for (const int expected : {0xef, 0xbb, 0xbf}) {
    if (source.Next() != expected) return source.Seek(0);
  }
}

absl::Status CheckHeader(const std::vector<std::string>& header) {
  std::set<std::string> seen;
  for (size_t i = 0; i < header.size(); ++i) {
    if (header[i].empty()) {
      return absl::InvalidArgumentError(absl::StrCat("header field ", i + 1, " is empty"));
    }
    if (!seen.insert(header[i]).second) {
      return absl::InvalidArgumentError(
          absl::StrCat("the header repeats column '", header[i], "'"));
    }
  }
  return absl::OkStatus();
}

}  // namespace

RowReader::RowReader(std::unique_ptr<ByteSource> source, RowFormat format, RowReaderOptions options)
    : source_(std::move(source)), format_(format), options_(std::move(options)) {}

absl::StatusOr<std::unique_ptr<RowReader>> RowReader::Open(const std::filesystem::path& path,
                                                           RowFormat format,
                                                           const RowReaderOptions& options) {
  if (options.index_stride == 0) {
    return absl::InvalidArgumentError("index_stride must be at least 1");
  }
  LIMBECK_ASSIGN_OR_RETURN(auto source,
                           ByteSource::Open(path, options.buffer_bytes, options.decompression));
  std::unique_ptr<RowReader> reader(new RowReader(std::move(source), format, options));
  LIMBECK_RETURN_IF_ERROR(reader->Start());
  return reader;
}

absl::Status RowReader::Start() {
  SkipByteOrderMark(*source_);
  if (format_ != RowFormat::kJsonLines) {
    const bool any = ReadRecord(*source_, KindOf(format_), options_.max_row_bytes, record_);
    LIMBECK_RETURN_IF_ERROR(SourceStatus());
    if (!any) {
      return absl::InvalidArgumentError(
          absl::StrCat("the ", ToAbsl(NameOf(format_)), " file is empty; expected a header row"));
    }
    if (record_.too_long) {
      return absl::InvalidArgumentError(
          absl::StrCat("header row: longer than ", options_.max_row_bytes, " bytes"));
    }
    auto header = ParseCsvRecord(record_.bytes, DelimiterOf(format_));
    if (!header.ok()) return Annotate(header.status(), "header row");
    LIMBECK_RETURN_IF_ERROR(CheckHeader(*header));
    header_ = *std::move(header);
  }
  LIMBECK_RETURN_IF_ERROR(SourceStatus());
  offsets_.push_back(source_->offset());
  return absl::OkStatus();
}

absl::Status RowReader::SourceStatus() const {
  return Annotate(source_->status(), absl::StrCat("after row ", next_index_));
}

// Reads the next record and keeps the index; false at the end or on a read error, which may leave
// half a record.
bool RowReader::Advance() {
  if (!ReadRecord(*source_, KindOf(format_), options_.max_row_bytes, record_)) return false;
  if (!source_->status().ok()) return false;
  ++next_index_;
  if (next_index_ == offsets_.size() * options_.index_stride) offsets_.push_back(source_->offset());
  return true;
}

absl::StatusOr<std::optional<Row>> RowReader::Next() {
  if (!Advance()) {
    LIMBECK_RETURN_IF_ERROR(SourceStatus());
    return std::nullopt;
  }
  auto row = Parse();
  if (!row.ok()) {
    return Annotate(row.status(), absl::StrCat("row ", next_index_, " at byte ", record_.offset));
  }
  return std::optional<Row>(*std::move(row));
}

absl::Status RowReader::Seek(uint64_t index) {
  const uint64_t block = std::min<uint64_t>(index / options_.index_stride, offsets_.size() - 1);
  const uint64_t start = block * options_.index_stride;
  // Reading on is cheaper when the row lies ahead in the same block.
  if (index < next_index_ || start > next_index_) {
    source_->Seek(offsets_[block]);
    next_index_ = start;
  }
  while (next_index_ < index) {
    if (Advance()) continue;
    LIMBECK_RETURN_IF_ERROR(SourceStatus());
    return absl::OutOfRangeError(
        absl::StrCat("row ", index + 1, " does not exist; the file has ", next_index_, " rows"));
  }
  return absl::OkStatus();
}

void RowReader::StartAt(uint64_t index, uint64_t offset) {
  source_->Seek(offset);
  next_index_ = index;
}

absl::StatusOr<Row> RowReader::Parse() const {
  if (record_.too_long) {
    return absl::InvalidArgumentError(
        absl::StrCat("longer than the limit of ", options_.max_row_bytes, " bytes",
                     record_.unclosed_quote ? "; a quoted field is never closed" : ""));
  }
  Row row;
  row.index = next_index_ - 1;
  row.offset = record_.offset;
  LIMBECK_ASSIGN_OR_RETURN(const nlohmann::json columns, ParseColumns(row));
  if (options_.ids) {
    LIMBECK_ASSIGN_OR_RETURN(row.id, RowId(columns));
  }
  if (!options_.text_column.empty()) row.text = TextOfColumn(columns, options_.text_column);
  return row;
}

// Sets `row.columns` and returns them parsed.
absl::StatusOr<nlohmann::json> RowReader::ParseColumns(Row& row) const {
  if (format_ == RowFormat::kJsonLines) {
    LIMBECK_ASSIGN_OR_RETURN(nlohmann::json columns, ParseJsonRecord(record_.bytes));
    row.columns = record_.bytes;
    return columns;
  }
  LIMBECK_ASSIGN_OR_RETURN(std::vector<std::string> fields,
                           ParseCsvRecord(record_.bytes, DelimiterOf(format_)));
  if (fields.size() != header_.size()) {
    return absl::InvalidArgumentError(
        absl::StrCat("has ", fields.size(), " fields; the header has ", header_.size()));
  }
  nlohmann::json columns = nlohmann::json::object();
  for (size_t i = 0; i < fields.size(); ++i) columns[header_[i]] = std::move(fields[i]);
  try {
    row.columns = columns.dump();
  } catch (const nlohmann::json::exception&) {
    return absl::InvalidArgumentError("not valid UTF-8; save the file as UTF-8");
  }
  return columns;
}

absl::StatusOr<std::string> RowReader::RowId(const nlohmann::json& columns) const {
  if (options_.id_column.empty()) {
    // nlohmann keeps object keys sorted, so the hash does not depend on their order in the file.
    return HexEncode(Sha256(columns.dump()).substr(0, kRowIdBytes));
  }
  const auto id = columns.find(options_.id_column);
  if (id == columns.end()) {
    return absl::InvalidArgumentError(absl::StrCat("no id column '", options_.id_column, "'"));
  }
  if (id->is_number_integer()) return id->dump();
  if (id->is_string() && !id->get_ref<const std::string&>().empty()) return id->get<std::string>();
  return absl::InvalidArgumentError(absl::StrCat("id column '", options_.id_column, "' is ",
                                                 id->is_string() ? "empty" : id->type_name(),
                                                 "; expected a text or an integer"));
}

}  // namespace limbeck::gateway
