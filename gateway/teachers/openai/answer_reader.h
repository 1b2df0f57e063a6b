// The JSON of a completion — chat or legacy, a whole answer or one chunk of a stream — read with
// simdjson in one pass.
#pragma once

#include <simdjson.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "cache/records/soft_output.h"
#include "gateway/teachers/openai/listed_tokens.h"

namespace limbeck::gateway {

// What was read, in the order it came.
struct Answer {
  // Which of `choices` is read, by its place.
  size_t wanted_choice = 0;
  // Text, tokens, raw finish reason, usage, model and fingerprint; the rest is settled later.
  cache::SoftOutput output;
  std::string refusal;
  std::vector<uint32_t> token_ids;   // vLLM: of the answer's tokens.
  std::vector<ListedToken> listed;   // From lists instead of entries.
  std::vector<PromptToken> prompt;   // vLLM's prompt_logprobs.
  std::vector<uint32_t> prompt_ids;  // vLLM's prompt_token_ids.
  bool has_choice = false;
  bool has_error = false;
};

// Adds what `json` says to `answer`, of whose choices only `wanted_choice` counts. `cached_field`
// names a further place in `usage` for the count of cached input tokens. An error is text that is
// no JSON object, or more than one; `answer` then holds part of it.
simdjson::error_code ReadAnswer(std::string_view json, std::string_view cached_field,
                                Answer* answer);

}  // namespace limbeck::gateway
