// One record of a dataset.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <nlohmann/json_fwd.hpp>

#include "absl/status/statusor.h"

namespace limbeck::gateway {

struct Row {
  uint64_t index = 0;   // From 0, in file order, blank lines not counted. People see index + 1.
  uint64_t offset = 0;  // Of its first byte in the file.
  // The id column's text, else a hash of the columns that does not depend on format or order.
  std::string id;
  // A JSON object.
  std::string columns;
  // ColumnText of RowReaderOptions::text_column; empty where that is.
  absl::StatusOr<std::string> text = std::string();
};

// The text of a column: a string as it is, a number or boolean as JSON writes it. INVALID_ARGUMENT
// for a missing, null or nested column.
absl::StatusOr<std::string> ColumnText(std::string_view columns, std::string_view name);
// The same of an object that is parsed already.
absl::StatusOr<std::string> TextOfColumn(const nlohmann::json& columns, std::string_view name);

// `columns` with one column set to `text`: how a noisy variant of a row is made.
absl::StatusOr<std::string> WithColumnText(std::string_view columns, std::string_view name,
                                           std::string_view text);

}  // namespace limbeck::gateway
