// Tokens as the providers list them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/support/fake_teacher/compose.h"

namespace limbeck::testing {

// The id that the fake vocabulary gives to a token.
uint32_t TokenId(const std::string& bytes);

// A token's text, with U+FFFD for what is part of a character.
std::string ShownToken(const std::string& bytes);

// A logprob of a token.
double LogOf(const Likelihood& token);

// {"token", "bytes", "logprob"} with "top_logprobs" of the likeliest; for each step. Parts of
// characters are shown as "\xc3".
nlohmann::json TokenEntries(const std::vector<Step>& steps, size_t top);

}  // namespace limbeck::testing
