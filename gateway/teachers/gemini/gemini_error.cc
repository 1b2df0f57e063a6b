#include "gateway/teachers/gemini/gemini_error.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/civil_time.h"
#include "base/string_view.h"
#include "gateway/teachers/json_fields.h"
#include "gateway/teachers/rate_headers.h"

namespace limbeck::gateway {
namespace {

using nlohmann::json;

constexpr size_t kMaxErrorBodyBytes = 64 * 1024;
constexpr int kPacificStandardSeconds = -8 * 3600;
// Quotas come back a little after midnight; asking too early would park for another day.
constexpr absl::Duration kRenewalMargin = absl::Minutes(5);
constexpr std::string_view kBadKey = "API_KEY_INVALID";

struct Details {
  std::string status;  // "RESOURCE_EXHAUSTED"
  std::string reason;  // ErrorInfo's.
  std::optional<absl::Duration> retry_delay;
  bool daily_quota = false;
};

void ReadDetail(const json& detail, Details* details) {
  if (const std::string reason = TextField(detail, "reason"); !reason.empty()) {
    details->reason = reason;
  }
  if (const std::string delay = TextField(detail, "retryDelay"); !delay.empty()) {
    details->retry_delay = ParseResetDuration(delay);
  }
  const json& violations = Child(detail, "violations");
  if (!violations.is_array()) return;
  for (const json& violation : violations) {
    if (absl::StrContains(TextField(violation, "quotaId"), "PerDay")) details->daily_quota = true;
  }
}

Details ParseDetails(std::string_view body) {
  Details details;
  const json parsed = ParseAnswerJson(body.substr(0, kMaxErrorBodyBytes));
  const json& error = Child(parsed.is_array() && !parsed.empty() ? parsed[0] : parsed, "error");
  details.status = TextField(error, "status");
  const json& list = Child(error, "details");
  if (list.is_array()) {
    for (const json& detail : list) ReadDetail(detail, &details);
  }
  return details;
}

absl::Duration UntilRenewal(absl::Time now) {
  absl::TimeZone zone = absl::FixedTimeZone(kPacificStandardSeconds);
  // Without time zone data, as in small containers, an hour too late in summer.
  absl::TimeZone named;
  if (absl::LoadTimeZone("America/Los_Angeles", &named)) zone = named;
  const absl::CivilDay tomorrow = absl::ToCivilDay(now, zone) + 1;
  return std::clamp(absl::FromCivil(tomorrow, zone) + kRenewalMargin - now, absl::ZeroDuration(),
                    kMaxWaitHint);
}

}  // namespace

Failure ClassifyGeminiError(const http::Response& response, std::string_view body, absl::Time now) {
  ErrorBody error = ParseErrorBody(body);
  const Details details = ParseDetails(body);
  error.type = details.status;
  Failure failure = ClassifyError(response, error, now);
  if (details.reason == kBadKey) {
    failure.cls = FailureClass::kStopTeacher;
    failure.reason = std::string(kBadKey);
  } else if (absl::StartsWith(error.message, "Logprobs is not")) {
    failure.reason = "LOGPROBS_NOT_SUPPORTED";
  }
  if (!failure.wait_hint.has_value()) failure.wait_hint = details.retry_delay;
  if (failure.cls == FailureClass::kRateLimited && details.daily_quota) {
    failure.reason = "DAILY_QUOTA";
    failure.wait_hint = UntilRenewal(now);
    absl::StrAppend(
        &failure.message, "; the day's quota is used up, and is renewed at ",
        absl::FormatTime("%Y-%m-%d %H:%M UTC", now + *failure.wait_hint, absl::UTCTimeZone()));
  }
  return failure;
}

QuotaHints GeminiHints(const http::Response& response, absl::Time now) {
  QuotaHints hints;
  hints.retry_after = RetryAfter(response, now);
  if (response.status_code != 429) return hints;
  const Details details = ParseDetails(response.body);
  if (!hints.retry_after.has_value()) hints.retry_after = details.retry_delay;
  if (details.daily_quota) {
    hints.exhausted_for = UntilRenewal(now);
  }
  return hints;
}

}  // namespace limbeck::gateway
