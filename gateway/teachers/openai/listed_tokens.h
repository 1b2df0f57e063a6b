// Tokens that come as parallel lists: legacy completions' and Together's `logprobs`, and vLLM's
// `prompt_logprobs`.
#pragma once

#include <simdjson.h>

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "cache/records/soft_output.h"

namespace limbeck::gateway {

struct ListedToken {
  cache::Token token{.bytes = {}, .id = {}, .logprob = {}, .candidates = {}, .lossy = true};
  // Where it begins in the text, in characters, as the server counts.
  std::optional<uint64_t> offset;
};

// One position of vLLM's prompt: the token that stands there and its rivals in one map.
struct PromptToken {
  std::optional<uint32_t> first_id;  // vLLM lists the prompt's own token first.
  std::vector<cache::Candidate> entries;
};

// Reads one list of a `logprobs` object: `tokens`, `token_ids`, `token_logprobs`, `top_logprobs`
// (maps keyed by text, so that of tokens with one text the likeliest is left) or `text_offset`;
// other keys are skipped. The list's first element belongs to tokens[base].
simdjson::error_code ReadTokenList(std::string_view key, simdjson::ondemand::value value,
                                   size_t base, std::vector<ListedToken>* tokens);

// Reads `prompt_logprobs`: [null, {"123": {"logprob", "rank", "decoded_token"}, …}, …].
simdjson::error_code ReadPromptLogprobs(simdjson::ondemand::value value,
                                        std::vector<PromptToken>* tokens);

// The prompt's tokens with their logprobs. `ids` are the prompt's token ids where the server gave
// as many; else each position's first entry is taken for its token.
std::vector<ListedToken> PromptTokens(std::vector<PromptToken> positions,
                                      const std::vector<uint32_t>& ids);

}  // namespace limbeck::gateway
