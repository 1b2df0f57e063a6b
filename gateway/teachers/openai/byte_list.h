// The lists of bytes that most of a large answer consists of: "[226, 130]".
#pragma once

#include <simdjson.h>

#include <string>
#include <string_view>

namespace limbeck::gateway {

// Replaces `bytes` by the elements of `text`, a whole JSON array. `usable` tells whether all of
// them are bytes; where one is not, `bytes` are of no use. An error for what is no list of numbers.
// Looking at each number by itself as a JSON value costs several times as much.
simdjson::error_code ReadByteList(std::string_view text, std::string* bytes, bool* usable);

}  // namespace limbeck::gateway
