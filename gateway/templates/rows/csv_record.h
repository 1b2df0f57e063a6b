// One CSV record (RFC 4180) cut into fields; TSV is the same with tabs.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace limbeck::gateway {

// Fields without their quotes. `record` has no line ending. INVALID_ARGUMENT says what was expected
// and at which column (bytes, from 1): text after a closing quote, a quote inside a plain field, a
// quote never closed. `delimiter` is ',' or '\t'.
absl::StatusOr<std::vector<std::string>> ParseCsvRecord(std::string_view record,
                                                        char delimiter = ',');

}  // namespace limbeck::gateway
