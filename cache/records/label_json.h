// Label answers that are JSON: the schemas that a teacher must follow, and how its answers are
// checked against them. Whatever the text, these never fail otherwise than by giving nothing.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace limbeck::cache {

// {"label": one of `names`}, nothing else.
std::string ChoiceSchema(const std::vector<std::string>& names);
// The index of the name that `text` chooses; absent where it does not validate.
std::optional<size_t> ParseChoice(std::string_view text, const std::vector<std::string>& names);

// One number for each of `names`, all required, nothing else.
std::string ConfidenceSchema(const std::vector<std::string>& names);
// The numbers as they are stated, in the order of `names`; absent where `text` does not validate or
// a number is negative.
std::optional<std::vector<double>> ParseConfidence(std::string_view text,
                                                   const std::vector<std::string>& names);

}  // namespace limbeck::cache
