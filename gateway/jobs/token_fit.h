// How many tokens a call to a teacher is likely to use: fitted on what earlier calls used, or
// documented defaults. Token counts are estimates; money follows from them in integers.
#pragma once

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "cache/client/cache_client.h"
#include "gateway/limits/quota_pool.h"

namespace limbeck::gateway {

// Fewer calls than this say nothing: defaults hold.
inline constexpr uint64_t kMinFittedCalls = 20;

struct TokenFit {
  // Calls that it rests on; 0: defaults.
  uint64_t calls = 0;
  // Input tokens per 1,000 bytes of prompt: the mean, and one standard deviation of calls around
  // it. Defaults: 4 bytes a token, from 5 to 2.
  uint64_t input_low = 200;
  uint64_t input_likely = 250;
  uint64_t input_high = 500;
  // Output tokens, cut to a call's max_tokens. Defaults: a label's 4, from 1 to max_tokens.
  uint64_t output_low = 1;
  uint64_t output_likely = 4;
  uint64_t output_high = UINT32_MAX;
  // From sending to the whole answer, mean.
  int64_t micros = 1'000'000;
};

// What a call is likely to use.
struct TokenRange {
  TokenCount low;
  TokenCount likely;
  TokenCount high;
};

TokenFit FitTokens(const cache::TeacherStats& stats);
// The same on what the cache knows of a teacher.
absl::StatusOr<TokenFit> ReadTokenFit(cache::CacheClient* cache, const std::string& domain,
                                      const std::string& teacher);

// Each side at least one input token, at most `max_tokens` of output.
TokenRange LikelyTokens(const TokenFit& fit, uint64_t prompt_bytes, uint32_t max_tokens);

// How long `calls` with `tokens` in all take at a pool's limits, and which limit decides.
struct TimeEstimate {
  double seconds = 0.0;
  const char* limit = "";  // "requests per minute"; empty for no calls.
};
TimeEstimate EstimateTime(const QuotaPoolOptions& limits, const TokenFit& fit, uint64_t calls,
                          const TokenCount& tokens);

}  // namespace limbeck::gateway
