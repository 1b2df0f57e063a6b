// A list of allowed answers as a grammar.
#pragma once

#include <string>
#include <vector>

namespace limbeck::gateway {

// GBNF that derives exactly `choices`, valid UTF-8 without U+0000, at least one. The grammar holds
// sampling to them; the probabilities that the server reports are the model's own, before it.
std::string ChoiceGrammar(const std::vector<std::string>& choices);

}  // namespace limbeck::gateway
