// What identifies a token and what is a logprob, whatever shape it comes in.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cache/records/soft_output.h"

namespace limbeck::gateway {

// U+FFFD, which stands for bytes that were no character.
inline constexpr std::string_view kReplacementCharacter = "\xef\xbf\xbd";

// Sentinels (−9999 of OpenAI, −3.4e38 of llama.cpp) and nonsense are absence; rounding above zero
// is zero.
std::optional<float> CleanLogprob(double value);

struct TokenIdentity {
  std::string bytes;
  std::optional<uint32_t> id;
  bool lossy = false;  // `bytes` may not be the token's.
};

// A token id in decimal; absent where `digits` are none or too many.
std::optional<uint32_t> ParseTokenId(std::string_view digits);

// Whether `shown` is "token_id:…", by which vLLM names tokens on request.
bool IsTokenIdText(std::string_view shown);

// Identity where a display string is all there is. "token_id:123" (vLLM) is the id and no text.
TokenIdentity IdentityOf(std::string_view shown);

// Sorts by descending logprob; of two that are the same token (by id where both have one, else by
// bytes) the likelier stays.
void SortAndDeduplicate(std::vector<cache::Candidate>* candidates);

// Sets a token's fields other than its logprobs.
void SetIdentity(TokenIdentity identity, cache::Token* token);

}  // namespace limbeck::gateway
