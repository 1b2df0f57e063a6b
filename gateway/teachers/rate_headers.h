// Waits and remaining counts in answer headers, in the many forms that providers use.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/time/time.h"
#include "base/http/transport.h"
#include "gateway/limits/quota_pool.h"

namespace limbeck::gateway {

// No header may ask for more than this; see QuotaPoolOptions::max_pause for the pool's own limit.
inline constexpr absl::Duration kMaxWaitHint = absl::Hours(24);

// `retry-after-ms`, else `retry-after` as seconds or HTTP date. Past dates are zero; NaN, negative
// and unreadable values are absent; huge ones are cut to kMaxWaitHint.
std::optional<absl::Duration> RetryAfter(const http::Response& response, absl::Time now);

// "1s", "6m0s", "12ms", "1.5s", "45"; absent when it is none of these or negative.
std::optional<absl::Duration> ParseResetDuration(std::string_view text);

// The above, an RFC 3339 time, or a Unix time in seconds or milliseconds; past times are zero.
std::optional<absl::Duration> ParseReset(std::string_view text, absl::Time now);

// The headers in which a host of OpenAI's kind counts; an empty name is a count it does not send.
struct RateHeaderNames {
  std::string remaining_requests = "x-ratelimit-remaining-requests";
  std::string remaining_input_tokens = "x-ratelimit-remaining-tokens";
  std::string remaining_output_tokens;
  std::string reset_requests = "x-ratelimit-reset-requests";
  std::string reset_tokens = "x-ratelimit-reset-tokens";
};

// The wait that an answer of any status asks for: RetryAfter, else of a 429 Azure's misspelt
// x-rate-limit-reset-tokens, else "retry after N seconds" in `message`.
std::optional<absl::Duration> WaitOf(const http::Response& response, std::string_view message,
                                     absl::Time now);

// The counts under `names`, else in other hosts' spellings: Fireworks' tokens-prompt and
// tokens-generated, tokens_usage_based, Mistral's plain x-ratelimit-remaining. A negative count,
// and 0 without a reset in an answer that was served, say nothing. The counts may be of a minute or
// a day (Groq's requests): each comes with its own reset.
QuotaHints OpenAiHints(const http::Response& response, absl::Time now,
                       const RateHeaderNames& names = {});

// anthropic-ratelimit-{requests,tokens,input-tokens,output-tokens}-{remaining,reset}, resets as RFC
// 3339 times.
QuotaHints AnthropicHints(const http::Response& response, absl::Time now);

// A header in which a provider speaks of its limits, as it came.
struct RateHeader {
  std::string name;   // Lower case.
  std::string value;  // At most 100 bytes, valid UTF-8.
  // The limit that it states; absent where it tells what is left, or when it comes back.
  std::optional<int64_t> limit;
};

// The headers of `response` that speak of limits, whatever the provider's spelling: those with
// "ratelimit" or "rate-limit" in their names, and retry-after. At most 32.
std::vector<RateHeader> RateHeadersOf(const http::Response& response);

// `x-request-id` or `request-id`; empty when absent.
std::string RequestId(const http::Response& response);

}  // namespace limbeck::gateway
