#include "tests/bench/sample_record.h"

#include "absl/strings/str_cat.h"
#include "base/hash.h"

namespace limbeck::bench {

cache::SoftOutput SampleOutput(size_t tokens, size_t top, uint64_t seed) {
  constexpr const char* kLabels[] = {"animal", "food", "person", "place", "plant"};
  StableRandom random(seed, 1);
  cache::SoftOutput output;
  output.support = cache::Support::kTopK;
  output.top_logprobs = static_cast<uint32_t>(top);
  output.finish_reason = cache::FinishReason::kLength;
  output.raw_finish_reason = "length";
  output.usage = {.input_tokens = 60, .output_tokens = tokens};
  output.provenance = {.teacher = "fake",
                       .provider_kind = "openai",
                       .model = "fake-model",
                       .fingerprint = "fp_1",
                       .request_id = absl::StrCat("req_", seed),
                       .unix_micros = 1'700'000'000'000'000};
  for (size_t position = 0; position < tokens; ++position) {
    cache::Token token;
    float logprob = static_cast<float>(-0.05 - 0.3 * random.Uniform());
    for (size_t rank = 0; rank < top; ++rank) {
      // Words come from a vocabulary of 4,096, as tokens of real text repeat.
      std::string bytes = position == 0 && rank < 5
                              ? std::string(kLabels[(rank + seed) % 5])
                              : absl::StrCat(" w", absl::Hex(random.Below(4096) * 7919));
      token.candidates.push_back({.bytes = std::move(bytes), .logprob = logprob});
      logprob -= static_cast<float>(0.05 + random.Uniform());
    }
    token.bytes = token.candidates[0].bytes;
    token.logprob = token.candidates[0].logprob;
    output.text += token.bytes;
    output.tokens.push_back(std::move(token));
  }
  return output;
}

}  // namespace limbeck::bench
