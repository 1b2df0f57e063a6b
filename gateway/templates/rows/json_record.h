// One JSON Lines record, checked.
#pragma once

#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

#include "absl/status/statusor.h"

namespace limbeck::gateway {

// Deepest nesting taken; rows are flat, and the limit keeps later stages off the stack's end.
inline constexpr int kMaxRowDepth = 16;

// INVALID_ARGUMENT says what was expected and where: "not valid JSON at column 3: …" (bytes, from
// 1), "not a JSON object", "nested deeper than 16 levels".
absl::StatusOr<nlohmann::json> ParseJsonRecord(std::string_view text);

}  // namespace limbeck::gateway
