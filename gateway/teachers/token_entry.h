// From the entries of a provider's token lists to tokens, by the rules of openai/token_rules.h.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cache/records/soft_output.h"

namespace limbeck::gateway {

// One entry of a list of tokens, as a provider wrote it.
struct TokenEntry {
  std::string shown;  // The display string.
  std::string bytes;
  bool has_bytes = false;  // `bytes` was given, each from 0 to 255.
  bool lossy = false;
  std::optional<uint32_t> id;
  std::optional<float> logprob;
};

// Settles `bytes` and `lossy` once all fields were read: bytes win over the display string; without
// them it stands in, and an escape or U+FFFD in it makes the entry lossy; bytes that are U+FFFD
// were made from a text and are lossy too; "token_id:123" is an id without bytes.
void SettleIdentity(TokenEntry* entry);

// The token of a chosen entry and its alternatives, both settled. Candidates without a logprob are
// dropped; the rest is sorted and told apart by id, else by bytes, the first of two equals stays. A
// chosen token outside the list stays outside: its rank is unknown. Bytes that differ from those of
// the same id among the candidates make the token lossy.
cache::Token MakeToken(TokenEntry chosen, std::vector<TokenEntry> alternatives);

// Candidates whose probabilities sum to more than 1 by more than rounding are no distribution:
// scales them, and the chosen token with them, to sum to 1. Returns the sum before.
double Renormalise(cache::Token* token);

// Renormalises all tokens; logs a warning that names the teacher where a sum was above
// kMaxProbabilitySum. Then settles `support` by what is really there.
void SettleTokens(const std::string& teacher, cache::SoftOutput* output);

// Sums up to this have been seen of servers in good order.
inline constexpr double kMaxProbabilitySum = 1.2;

}  // namespace limbeck::gateway
