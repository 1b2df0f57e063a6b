// When two input texts count as equal.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace limbeck::gateway {

// The text as it is compared: ASCII lower case, runs of whitespace as one space, none at the ends.
std::string FoldText(std::string_view text);

// Of the folded text: equal for texts that count as equal.
uint64_t TextHash(std::string_view text);

}  // namespace limbeck::gateway
