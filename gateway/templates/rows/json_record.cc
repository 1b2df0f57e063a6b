#include "gateway/templates/rows/json_record.h"

#include <algorithm>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/string_view.h"

namespace limbeck::gateway {
namespace {

// The reason after nlohmann's own prefix: "[json.exception.parse_error.101] parse error at line 1,
// column 2: syntax error while parsing object key - invalid literal; last read: '{x'; expected …".
std::string Reason(std::string_view what) {
  const size_t column = what.find("column ");
  const size_t colon = what.find(": ", column == std::string_view::npos ? 0 : column);
  return std::string(colon == std::string_view::npos ? what : what.substr(colon + 2));
}

// Whether `text` nests no deeper than allowed whatever else is in it. Watching the parser costs as
// much as the parser, and next to no row has that many brackets.
bool IsSurelyShallow(std::string_view text) {
  return std::count(text.begin(), text.end(), '{') + std::count(text.begin(), text.end(), '[') <=
         kMaxRowDepth;
}

}  // namespace

absl::StatusOr<nlohmann::json> ParseJsonRecord(std::string_view text) {
  bool too_deep = false;
  // Returning false drops the value, so no deep tree is ever built.
  const auto shallow = [&](int depth, nlohmann::json::parse_event_t, nlohmann::json&) {
    too_deep = too_deep || depth > kMaxRowDepth;
    return !too_deep;
  };
  nlohmann::json row;
  try {
    row = IsSurelyShallow(text) ? nlohmann::json::parse(text.begin(), text.end())
                                : nlohmann::json::parse(text.begin(), text.end(), shallow);
  } catch (const nlohmann::json::parse_error& error) {
    return absl::InvalidArgumentError(
        absl::StrCat("not valid JSON at column ", error.byte, ": ", Reason(error.what())));
  } catch (const nlohmann::json::exception& error) {
    return absl::InvalidArgumentError(absl::StrCat("not valid JSON: ", error.what()));
  }
  if (too_deep) {
    return absl::InvalidArgumentError(absl::StrCat("nested deeper than ", kMaxRowDepth, " levels"));
  }
  if (!row.is_object()) {
    return absl::InvalidArgumentError(absl::StrCat("not a JSON object but ", row.type_name(),
                                                   R"(; expected {"column": value, …})"));
  }
  return row;
}

}  // namespace limbeck::gateway
