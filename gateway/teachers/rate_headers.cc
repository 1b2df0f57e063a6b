#include "gateway/teachers/rate_headers.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "base/string_view.h"

namespace limbeck::gateway {
namespace {

constexpr size_t kMaxRequestIdBytes = 128;
constexpr std::string_view kRetryAfterPhrase = "retry after ";
// Errors are short; a wait further in is not looked for.
constexpr size_t kMaxSearchedBytes = 4096;

std::optional<absl::Duration> FromSeconds(double seconds) {
  if (!(seconds >= 0)) return std::nullopt;  // NaN fails too.
  return std::min(absl::Seconds(std::min(seconds, 1e9)), kMaxWaitHint);
}

std::optional<int64_t> Count(std::string_view text) {
  int64_t value = 0;
  if (!absl::SimpleAtoi(ToAbsl(text), &value) || value < 0) return std::nullopt;
  return value;
}

std::optional<absl::Duration> UntilRfc3339(std::string_view text, absl::Time now) {
  absl::Time time;
  std::string error;
  if (text.empty() || !absl::ParseTime(absl::RFC3339_full, ToAbsl(text), &time, &error)) {
    return std::nullopt;
  }
  return std::clamp(time - now, absl::ZeroDuration(), kMaxWaitHint);
}

}  // namespace

std::optional<absl::Duration> RetryAfter(const http::Response& response, absl::Time now) {
  double value = 0;
  if (absl::SimpleAtod(ToAbsl(response.header("retry-after-ms")), &value)) {
    if (auto wait = FromSeconds(value / 1000)) return wait;
  }
  const std::string_view text = response.header("retry-after");
  if (text.empty()) return std::nullopt;
  if (absl::SimpleAtod(ToAbsl(text), &value)) return FromSeconds(value);
  absl::Time date;
  std::string error;
  if (!absl::ParseTime("%a, %d %b %Y %H:%M:%S GMT", ToAbsl(text), &date, &error)) {
    return std::nullopt;
  }
  return std::clamp(date - now, absl::ZeroDuration(), kMaxWaitHint);
}

std::optional<absl::Duration> ParseResetDuration(std::string_view text) {
  double seconds = 0;
  if (text.empty()) return std::nullopt;
  if (absl::SimpleAtod(ToAbsl(text), &seconds)) return FromSeconds(seconds);
  absl::Duration duration;
  // Abseil reads "6m0s", "12ms" and "1.5s" as these headers mean them.
  if (!absl::ParseDuration(ToAbsl(text), &duration) || duration < absl::ZeroDuration()) {
    return std::nullopt;
  }
  return std::min(duration, kMaxWaitHint);
}

std::optional<absl::Duration> WaitOf(const http::Response& response, std::string_view message,
                                     absl::Time now) {
  if (auto wait = RetryAfter(response, now)) return wait;
  if (response.status_code != 429) return std::nullopt;
  if (auto wait = ParseResetDuration(response.header("x-rate-limit-reset-tokens"))) return wait;
  // Azure: "Please retry after 86400 seconds." and no header.
  const std::string said = absl::AsciiStrToLower(ToAbsl(message.substr(0, kMaxSearchedBytes)));
  const size_t phrase = said.find(kRetryAfterPhrase);
  if (phrase == said.npos) return std::nullopt;
  const std::string_view rest = std::string_view(said).substr(phrase + kRetryAfterPhrase.size());
  const std::string_view number = rest.substr(0, rest.find_first_not_of("0123456789"));
  double seconds = 0;
  const bool is_seconds = rest.substr(number.size()).starts_with(" second");
  if (!is_seconds || !absl::SimpleAtod(ToAbsl(number), &seconds)) return std::nullopt;
  return FromSeconds(seconds);
}

QuotaHints OpenAiHints(const http::Response& response, absl::Time now,
                       const RateHeaderNames& names) {
  const auto value = [&](const std::string& name) {
    return name.empty() ? std::string_view() : response.header(name);
  };
  QuotaHints hints;
  hints.retry_after = WaitOf(response, response.status_code == 429 ? response.body : "", now);
  hints.remaining_requests = Count(value(names.remaining_requests));
  hints.remaining_input_tokens = Count(value(names.remaining_input_tokens));
  hints.remaining_output_tokens = Count(value(names.remaining_output_tokens));
  hints.reset_requests = ParseResetDuration(value(names.reset_requests));
  hints.reset_tokens = ParseResetDuration(value(names.reset_tokens));
  return hints;
}

QuotaHints AnthropicHints(const http::Response& response, absl::Time now) {
  QuotaHints hints;
  hints.retry_after = RetryAfter(response, now);
  hints.remaining_requests = Count(response.header("anthropic-ratelimit-requests-remaining"));
  hints.remaining_input_tokens =
      Count(response.header("anthropic-ratelimit-input-tokens-remaining"));
  hints.remaining_output_tokens =
      Count(response.header("anthropic-ratelimit-output-tokens-remaining"));
  hints.reset_requests = UntilRfc3339(response.header("anthropic-ratelimit-requests-reset"), now);
  hints.reset_tokens = UntilRfc3339(response.header("anthropic-ratelimit-tokens-reset"), now);
  return hints;
}

std::string RequestId(const http::Response& response) {
  std::string_view id = response.header("x-request-id");
  if (id.empty()) id = response.header("request-id");
  return std::string(id.substr(0, kMaxRequestIdBytes));
}

}  // namespace limbeck::gateway
