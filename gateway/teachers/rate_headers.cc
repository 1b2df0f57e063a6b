#include "gateway/teachers/rate_headers.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "base/string_view.h"
#include "base/utf8.h"

namespace limbeck::gateway {
namespace {

constexpr size_t kMaxRequestIdBytes = 128;
constexpr size_t kMaxRateHeaders = 32;
constexpr size_t kMaxRateHeaderBytes = 100;
constexpr std::string_view kRetryAfterPhrase = "retry after ";
// Errors are short; a wait further in is not looked for.
constexpr size_t kMaxSearchedBytes = 4096;
// Larger numbers are times, not durations; still larger ones are in milliseconds.
constexpr double kSmallestUnixSeconds = 1e9;
constexpr double kSmallestUnixMillis = 1e11;

std::optional<absl::Duration> FromSeconds(double seconds) {
  if (!(seconds >= 0)) return std::nullopt;  // NaN fails too.
  return std::min(absl::Seconds(std::min(seconds, 1e9)), kMaxWaitHint);
}

std::optional<int64_t> Count(std::string_view text) {
  int64_t value = 0;
  if (!absl::SimpleAtoi(ToAbsl(text), &value) || value < 0) return std::nullopt;
  return value;
}

std::optional<absl::Duration> Until(absl::Time time, absl::Time now) {
  return std::clamp(time - now, absl::ZeroDuration(), kMaxWaitHint);
}

// HTTP's date, and the two older forms that readers must still know (RFC 9110, 5.6.7).
std::optional<absl::Time> HttpDate(std::string_view text) {
  for (const char* format :
       {"%a, %d %b %Y %H:%M:%S GMT", "%A, %d-%b-%y %H:%M:%S GMT", "%a %b %e %H:%M:%S %Y"}) {
    absl::Time date;
    std::string error;
    if (absl::ParseTime(format, ToAbsl(text), &date, &error)) return date;
  }
  return std::nullopt;
}

// A remaining count with its reset. Nothing left and no word of a reset, in an answer that was
// served, is a header that some Azure deployments always send so; it says nothing.
void SetCount(std::optional<int64_t> left, std::optional<absl::Duration> reset, int status,
              std::optional<int64_t>* hint, std::optional<absl::Duration>* reset_hint) {
  if (!left.has_value() || hint->has_value()) return;
  if (*left == 0 && !reset.has_value() && status != 429) return;
  *hint = left;
  if (reset.has_value()) *reset_hint = reset;
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
  if (const auto date = HttpDate(text)) return Until(*date, now);
  return std::nullopt;
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

std::optional<absl::Duration> ParseReset(std::string_view text, absl::Time now) {
  absl::Time time;
  std::string error;
  if (text.find('T') != text.npos &&
      absl::ParseTime(absl::RFC3339_full, ToAbsl(text), &time, &error)) {
    return Until(time, now);
  }
  double number = 0;
  if (absl::SimpleAtod(ToAbsl(text), &number) && number >= kSmallestUnixSeconds) {
    const double seconds = number >= kSmallestUnixMillis ? number / 1000 : number;
    return Until(absl::UnixEpoch() + absl::Seconds(seconds), now);
  }
  return ParseResetDuration(text);
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
  const auto reset = [&](const std::string& name) { return ParseReset(value(name), now); };
  const int status = response.status_code;
  QuotaHints hints;
  hints.retry_after = WaitOf(response, status == 429 ? response.body : "", now);
  SetCount(Count(value(names.remaining_requests)), reset(names.reset_requests), status,
           &hints.remaining_requests, &hints.reset_requests);
  // One count of tokens is of input and output together.
  const bool total = names.remaining_output_tokens.empty();
  SetCount(Count(value(names.remaining_input_tokens)), reset(names.reset_tokens), status,
           total ? &hints.remaining_total_tokens : &hints.remaining_input_tokens,
           &hints.reset_tokens);
  SetCount(Count(value(names.remaining_output_tokens)), reset(names.reset_tokens), status,
           &hints.remaining_output_tokens, &hints.reset_tokens);
  // Spellings seen beside the profile's.
  SetCount(Count(value("x-ratelimit-remaining-tokens_usage_based")),
           reset("x-ratelimit-reset-tokens_usage_based"), status, &hints.remaining_total_tokens,
           &hints.reset_tokens);
  SetCount(Count(value("x-ratelimit-remaining-tokens-prompt")),
           reset("x-ratelimit-reset-tokens-prompt"), status, &hints.remaining_input_tokens,
           &hints.reset_input_tokens);
  SetCount(Count(value("x-ratelimit-remaining-tokens-generated")),
           reset("x-ratelimit-reset-tokens-generated"), status, &hints.remaining_output_tokens,
           &hints.reset_output_tokens);
  SetCount(Count(value("x-ratelimit-remaining")), reset("x-ratelimit-reset"), status,
           &hints.remaining_requests, &hints.reset_requests);
  return hints;
}

QuotaHints AnthropicHints(const http::Response& response, absl::Time now) {
  QuotaHints hints;
  hints.retry_after = RetryAfter(response, now);
  const auto count = [&](std::string_view name, std::optional<int64_t>* left,
                         std::optional<absl::Duration>* reset) {
    const std::string prefix = absl::StrCat("anthropic-ratelimit-", ToAbsl(name));
    SetCount(Count(response.header(prefix + "-remaining")),
             ParseReset(response.header(prefix + "-reset"), now), response.status_code, left,
             reset);
  };
  count("requests", &hints.remaining_requests, &hints.reset_requests);
  count("input-tokens", &hints.remaining_input_tokens, &hints.reset_input_tokens);
  count("output-tokens", &hints.remaining_output_tokens, &hints.reset_output_tokens);
  // "tokens" repeats the tightest of the limits; as a total it would be far too tight.
  if (!hints.remaining_input_tokens.has_value() && !hints.remaining_output_tokens.has_value()) {
    count("tokens", &hints.remaining_total_tokens, &hints.reset_tokens);
  }
  return hints;
}

std::vector<RateHeader> RateHeadersOf(const http::Response& response) {
  std::vector<RateHeader> found;
  for (const http::Header& header : response.headers) {
    std::string name = absl::AsciiStrToLower(header.name.substr(0, kMaxRateHeaderBytes));
    const bool counts =
        absl::StrContains(name, "ratelimit") || absl::StrContains(name, "rate-limit");
    if (!counts && !absl::StartsWith(name, "retry-after")) continue;
    RateHeader one;
    one.name = ReplaceInvalidUtf8(name);
    one.value = ReplaceInvalidUtf8(header.value.substr(0, kMaxRateHeaderBytes));
    // "x-ratelimit-limit-requests", "anthropic-ratelimit-requests-limit".
    const std::string measure = absl::StrReplaceAll(name, {{"rate-limit", ""}, {"ratelimit", ""}});
    if (absl::StrContains(measure, "limit")) one.limit = Count(header.value);
    found.push_back(std::move(one));
    if (found.size() == kMaxRateHeaders) break;
  }
  return found;
}

std::string RequestId(const http::Response& response) {
  std::string_view id = response.header("x-request-id");
  if (id.empty()) id = response.header("request-id");
  return std::string(id.substr(0, kMaxRequestIdBytes));
}

}  // namespace limbeck::gateway
