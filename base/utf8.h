// UTF-8 at the edges: what leaves as JSON or protobuf must be well formed.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace limbeck {

// Length in bytes of the well-formed sequence at the start of `text`; 0 where there is none
// (overlong forms and surrogates included).
size_t Utf8SequenceLength(std::string_view text);

bool IsValidUtf8(std::string_view text);

// `text` with each byte outside a well-formed sequence replaced by U+FFFD.
std::string ReplaceInvalidUtf8(std::string_view text);

// The longest prefix of at most `max_bytes` that does not end inside a sequence.
std::string_view TruncateUtf8(std::string_view text, size_t max_bytes);

}  // namespace limbeck
