// Streams the rows of a dataset file and comes back to any of them without holding the file.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gateway/templates/rows/byte_source.h"
#include "gateway/templates/rows/record_splitter.h"
#include "gateway/templates/rows/row.h"

namespace limbeck::gateway {

enum class RowFormat {
  kJsonLines,  // One JSON object a line.
  kCsv,        // RFC 4180 with a header row; every column is a string.
  kTsv,        // The same with tabs between fields, as spreadsheets and pandas write it.
};

struct RowReaderOptions {
  // Column with a stable row name; empty for a content hash.
  std::string id_column;
  size_t max_row_bytes = 1 << 20;
  size_t buffer_bytes = 256 << 10;
  // Rows between two remembered byte offsets: 8 bytes of memory each.
  uint64_t index_stride = 1024;
  // Of compressed files.
  DecompressionLimits decompression;
  // False leaves Row::id empty, which spares hashing every row.
  bool ids = true;
  // Column whose text becomes Row::text, which spares parsing the row again; empty for none.
  std::string text_column;
};

// A leading byte order mark is skipped, blank lines are not rows. Files may be compressed with gzip
// or zstd; byte offsets are those of the plain bytes. One thread; the file must not change
// meanwhile (datasets are immutable).
class RowReader {
 public:
  // INVALID_ARGUMENT for a CSV header that is missing, malformed or repeats a name.
  static absl::StatusOr<std::unique_ptr<RowReader>> Open(const std::filesystem::path& path,
                                                         RowFormat format,
                                                         const RowReaderOptions& options = {});

  // The next row, nullopt at the end. INVALID_ARGUMENT for a malformed row, naming row number,
  // byte offset and what was expected ("row 17 at byte 2048: not valid JSON at column 3: …"); the
  // call after it goes on with the row that follows. Other codes are read errors and say after
  // which row: DATA_LOSS for damaged and RESOURCE_EXHAUSTED for oversized compressed data. How many
  // rows before the damage are still given depends on where reading began.
  absl::StatusOr<std::optional<Row>> Next();

  // Makes `index` the row that Next returns. Passes over at most `index_stride` rows where the
  // reader has been before, else reads on from the furthest row seen. OUT_OF_RANGE when the file
  // has fewer rows; the count itself is the end.
  absl::Status Seek(uint64_t index);

  // Byte offset at or before a row that was passed, or is next: of the row itself where `index` is
  // a multiple of index_stride.
  uint64_t OffsetBefore(uint64_t index) const { return offsets_[index / options_.index_stride]; }
  // Makes `index` the row that Next returns without reading what lies before: `offset` is what
  // another reader of the file had as OffsetBefore, for an index that is a multiple of
  // index_stride. In a compressed file everything up to there is still decompressed.
  void StartAt(uint64_t index, uint64_t offset);

  // Index of the row that Next returns.
  uint64_t next_index() const { return next_index_; }
  bool has_id_column() const { return !options_.id_column.empty(); }
  // Names in a CSV or TSV header; empty for JSON Lines.
  const std::vector<std::string>& header() const { return header_; }

 private:
  RowReader(std::unique_ptr<ByteSource> source, RowFormat format, RowReaderOptions options);
  absl::Status Start();
  bool Advance();
  absl::Status SourceStatus() const;
  absl::StatusOr<Row> Parse() const;
  absl::StatusOr<nlohmann::json> ParseColumns(Row& row) const;
  absl::StatusOr<std::string> RowId(const nlohmann::json& columns) const;

  const std::unique_ptr<ByteSource> source_;
  const RowFormat format_;
  const RowReaderOptions options_;
  std::vector<std::string> header_;
  // Byte offset at or before row i × index_stride.
  std::vector<uint64_t> offsets_;
  uint64_t next_index_ = 0;
  RawRecord record_;
};

}  // namespace limbeck::gateway
