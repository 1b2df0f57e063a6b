#include "gateway/templates/rows/row.h"

#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "base/string_view.h"
#include "gateway/templates/rows/json_record.h"

namespace limbeck::gateway {

absl::StatusOr<std::string> ColumnText(std::string_view columns, std::string_view name) {
  LIMBECK_ASSIGN_OR_RETURN(const nlohmann::json row, ParseJsonRecord(columns));
  return TextOfColumn(row, name);
}

absl::StatusOr<std::string> TextOfColumn(const nlohmann::json& columns, std::string_view name) {
  const auto column = columns.find(std::string(name));
  if (column == columns.end()) {
    return absl::InvalidArgumentError(absl::StrCat("no column '", ToAbsl(name), "'"));
  }
  if (column->is_string()) return column->get<std::string>();
  if (column->is_number() || column->is_boolean()) return column->dump();
  return absl::InvalidArgumentError(absl::StrCat("column '", ToAbsl(name), "' is ",
                                                 column->type_name(),
                                                 "; expected a string, number or boolean"));
}

absl::StatusOr<std::string> WithColumnText(std::string_view columns, std::string_view name,
                                           std::string_view text) {
  LIMBECK_ASSIGN_OR_RETURN(nlohmann::json row, ParseJsonRecord(columns));
  row[std::string(name)] = std::string(text);
  try {
    return row.dump();
  } catch (const nlohmann::json::exception&) {
    return absl::InvalidArgumentError(
        absl::StrCat("text for column '", ToAbsl(name), "' is not valid UTF-8"));
  }
}

}  // namespace limbeck::gateway
