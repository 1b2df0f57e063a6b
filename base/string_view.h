// Debian 12 builds Abseil with a string_view class of its own, Debian 13 with the standard one.
// Limbeck's interfaces use std::string_view; these convert at calls into Abseil and are free.
#pragma once

#include <string_view>

#include "absl/strings/string_view.h"

namespace limbeck {

inline absl::string_view ToAbsl(std::string_view text) { return {text.data(), text.size()}; }

// For absl::string_view where it is a class of its own; the identity where it is not.
template <typename View>
inline std::string_view ToStd(const View& text) {
  return {text.data(), text.size()};
}

}  // namespace limbeck
