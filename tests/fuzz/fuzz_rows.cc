// The row readers on any file. Byte 0 chooses the format; the rest is the file. Reading again after
// a Seek, and in another reader that starts where this one has been, must give the same rows, but
// in a file whose compressed data is damaged or too much: that shows some rows sooner or later.
#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gateway/templates/rows/row_reader.h"
#include "tests/fuzz/fuzz_input.h"

namespace limbeck::gateway {
namespace {

void Require(bool holds) {
  if (!holds) std::abort();
}

// One row as text, or its error's.
std::string Told(const absl::StatusOr<std::optional<Row>>& row) {
  if (!row.ok()) return row.status().ToString();
  return (*row)->id + (*row)->columns;
}

// Until the end or the first read error.
std::vector<std::string> ReadAll(RowReader& reader) {
  std::vector<std::string> rows;
  for (;;) {
    const auto row = reader.Next();
    if (row.ok() && !row->has_value()) return rows;
    rows.push_back(Told(row));
    if (!row.ok() && !absl::IsInvalidArgument(row.status())) return rows;
  }
}

void ReadRows(fuzz::FuzzInput input) {
  static const int file = memfd_create("rows", 0);
  static const std::string path = absl::StrCat("/proc/self/fd/", file);
  constexpr RowFormat kFormats[] = {RowFormat::kJsonLines, RowFormat::kCsv, RowFormat::kTsv,
                                    RowFormat::kCsv};
  const RowFormat format = kFormats[input.Byte() % 4];
  const std::string_view content = input.Rest();
  Require(ftruncate(file, 0) == 0);
  Require(pwrite(file, content.data(), content.size(), 0) == static_cast<ssize_t>(content.size()));
  RowReaderOptions options;
  options.max_row_bytes = 4096;
  options.buffer_bytes = 64;
  options.index_stride = 2;
  options.decompression.max_plain_bytes = 1 << 20;
  const auto reader = RowReader::Open(path, format, options);
  if (!reader.ok()) return;
  const std::vector<std::string> rows = ReadAll(**reader);
  if (!rows.empty() &&
      (rows.back().starts_with("DATA_LOSS") || rows.back().starts_with("RESOURCE_EXHAUSTED"))) {
    return;
  }
  const uint64_t middle = rows.size() / 2;
  if (!(*reader)->Seek(middle).ok()) return;
  const std::vector<std::string> rest = ReadAll(**reader);
  Require(rest ==
          std::vector<std::string>(rows.begin() + static_cast<int64_t>(middle), rows.end()));
  const uint64_t start = middle / options.index_stride * options.index_stride;
  const auto another = RowReader::Open(path, format, options);
  Require(another.ok());
  (*another)->StartAt(start, (*reader)->OffsetBefore(start));
  Require(ReadAll(**another) ==
          std::vector<std::string>(rows.begin() + static_cast<int64_t>(start), rows.end()));
}

}  // namespace
}  // namespace limbeck::gateway

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  limbeck::gateway::ReadRows({data, size});
  return 0;
}
