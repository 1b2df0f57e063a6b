// How a host that speaks OpenAI's shape deviates from it, as data. compatible/profiles.h lists the
// hosts we know; an operator may write one for another host (CompatibleProfile in config.proto).
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "gateway/teachers/rate_headers.h"

namespace limbeck::gateway {

// How a request asks for logprobs.
enum class LogprobsForm : uint8_t {
  kFlag,   // "logprobs": true, "top_logprobs": k
  kCount,  // "logprobs": k
  kNone    // Not at all.
};

// What a finish reason means that is not OpenAI's.
enum class FinishMeaning : uint8_t { kStop, kLength, kFilter, kRefusal, kRetry };

struct CompatibleProfile {
  std::string chat_path = "/chat/completions";  // Behind base_url.
  LogprobsForm logprobs = LogprobsForm::kFlag;
  uint32_t max_top_logprobs = 20;
  // Streams carry the chosen token's logprob only: queries for candidates are not streamed.
  bool stream_drops_candidates = false;
  bool stream_options = true;  // Takes stream_options.include_usage.
  std::string max_tokens_field = "max_tokens";
  std::string seed_field = "seed";  // Empty: takes none.
  bool response_schema = true;      // Has response_format json_schema.
  // A JSON object whose members are added to every request; empty adds none.
  std::string extra_body;
  // Count of cached input tokens, directly in `usage`, beside OpenAI's own place for it.
  std::string cached_input_tokens_field = "prompt_cache_hit_tokens";
  // Raw finish reasons beyond those every parser here knows.
  std::map<std::string, FinishMeaning, std::less<>> finish_reasons;
  RateHeaderNames rate_headers;
  // x-ratelimit-…-requests count per day: such a count paces nothing until it is 0.
  bool requests_per_day = false;
};

}  // namespace limbeck::gateway
