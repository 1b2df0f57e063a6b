// The words in which limits are spoken of: what is counted, per what time, and what answers say.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/time/time.h"

namespace limbeck::gateway {

// What a limit counts. kTotalTokens is input and output together.
enum class QuotaKind : uint8_t { kRequests, kInputTokens, kOutputTokens, kTotalTokens };

// "requests", "input_tokens", "output_tokens", "total_tokens".
std::string_view QuotaKindName(QuotaKind kind);

struct TokenCount {
  int64_t input = 0;
  int64_t output = 0;
};

// What one call with `tokens` counts under `kind`.
int64_t CountOf(QuotaKind kind, const TokenCount& tokens);

// So much of one kind per window. Several limits of one kind, with different windows, all hold.
struct QuotaLimit {
  QuotaKind kind = QuotaKind::kRequests;
  absl::Duration window = absl::Minutes(1);
  int64_t amount = 0;
  // Most that may be used at once after idling; 0 means a sixth of `amount`, and all of it for
  // fixed windows.
  int64_t burst = 0;
  // The provider counts in windows that begin anew, so all of `amount` comes back at once and
  // nothing in between. Otherwise it comes back evenly.
  bool fixed_window = false;
};

struct QuotaPoolOptions {
  std::string name;
  // Shorthands for limits per minute. 0: unlimited.
  int64_t requests_per_minute = 0;
  int64_t input_tokens_per_minute = 0;
  int64_t output_tokens_per_minute = 0;
  std::vector<QuotaLimit> limits;
  uint32_t max_concurrent = 256;
  // Calls at once before anything is known of the provider; 0 starts at `max_concurrent`.
  uint32_t start_concurrent = 0;
  // Retry-After and resets beyond this are cut to it. A pool that waits holds no thread.
  absl::Duration max_pause = absl::Hours(24);
  // The pause after a 429 without a hint; doubled with every further one until an answer comes.
  absl::Duration default_pause = absl::Seconds(2);
  absl::Duration max_default_pause = absl::Minutes(1);
  // After a 429 nothing is hedged for this long.
  absl::Duration calm_after_429 = absl::Minutes(1);
  // The limits hold for several gateways together; see shared_quota.h. Without a grant nothing is
  // admitted.
  bool shared = false;
  absl::Duration lease = absl::Seconds(10);  // With `shared`.

  // The shorthands and `limits` together, those without effect left out.
  std::vector<QuotaLimit> AllLimits() const;
};

// What an answer's headers say about the account. Absent fields say nothing.
struct QuotaHints {
  std::optional<absl::Duration> retry_after;
  std::optional<int64_t> remaining_requests;
  std::optional<int64_t> remaining_input_tokens;
  std::optional<int64_t> remaining_output_tokens;
  std::optional<int64_t> remaining_total_tokens;
  // Until the corresponding count is full again. `reset_tokens` is for all kinds of tokens that
  // have no reset of their own.
  std::optional<absl::Duration> reset_requests;
  std::optional<absl::Duration> reset_tokens;
  std::optional<absl::Duration> reset_input_tokens;
  std::optional<absl::Duration> reset_output_tokens;
  // Of a 429: by its words the account is used up for so long, whatever shorter `retry_after` it
  // names. One call finds out after that; the pool pauses for all of this when it is refused too.
  std::optional<absl::Duration> exhausted_for;
};

enum class CallEnd {
  kNotSent,      // Nothing left: all that was reserved comes back.
  kAnswered,     // Settled to `actual`.
  kRateLimited,  // 429: tokens come back, the request does not, the pool pauses.
  kOverloaded,   // 5xx: the reservation stays spent and the concurrency does not grow for a while.
  kFailed        // Anything else: the reservation stays spent.
};

}  // namespace limbeck::gateway
