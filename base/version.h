// The version of all programs; gateway and trainers must agree on it.
#pragma once

#include <string_view>

namespace limbeck {

inline constexpr std::string_view kVersion = "0.1.0";

}  // namespace limbeck
