// Cuts a byte stream into records: lines, or CSV records whose quoted fields may hold newlines.
#pragma once

#include <cstdint>
#include <string>

#include "gateway/templates/rows/byte_source.h"

namespace limbeck::gateway {

struct RawRecord {
  uint64_t offset = 0;          // Of the first byte in the file.
  std::string bytes;            // Without the line ending.
  bool too_long = false;        // `bytes` was cut off at the limit.
  bool unclosed_quote = false;  // The file ended inside a quoted field.
};

// Records of kCsvRecord have fields between commas, those of kTsvRecord between tabs.
enum class RecordKind { kLine, kCsvRecord, kTsvRecord };

// Reads the next record that is not blank, after LF, CR LF or the end of the file, into `record`
// (its memory is reused). False at the end; the caller checks source.status(). A record longer than
// `max_bytes` is consumed whole but not kept whole.
bool ReadRecord(ByteSource& source, RecordKind kind, size_t max_bytes, RawRecord& record);

}  // namespace limbeck::gateway
