#include "gateway/teachers/failure.h"

#include <algorithm>
#include <initializer_list>
#include <nlohmann/json.hpp>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "base/string_view.h"
#include "gateway/teachers/rate_headers.h"
#include "gateway/teachers/sse.h"

namespace limbeck::gateway {
namespace {

using nlohmann::json;

constexpr int kServed = 200;
constexpr size_t kMaxMessageBytes = 300;
constexpr size_t kMaxErrorBodyBytes = 64 * 1024;
// Anthropic's category of refusals for work on competing models.
constexpr const char* kCompetition = "frontier_llm";

bool IsOneOf(std::string_view text, std::initializer_list<std::string_view> list) {
  return std::find(list.begin(), list.end(), text) != list.end();
}

// Codes and types by which providers say that money, not pace, is the matter.
bool IsBilling(const ErrorBody& error) {
  for (const std::string_view name : {std::string_view(error.code), std::string_view(error.type),
                                      std::string_view(error.detail_code)}) {
    if (IsOneOf(name, {"insufficient_quota", "credit_balance_exhausted", "billing_error",
                       "organization_spend_limit_exceeded", "project_spend_limit_exceeded",
                       "organization_usage_limit_exceeded", "enforced_spend_limit_reached",
                       "billing_hard_limit_reached"})) {
      return true;
    }
  }
  return false;
}

std::string Text(const json& object, const char* key) {
  const auto found = object.find(key);
  if (found == object.end()) return "";
  if (found->is_string()) return found->get<std::string>();
  if (found->is_number_integer()) return absl::StrCat(found->get<int64_t>());
  return "";
}

// An error that came inside a 200 has no status of its own: its type or numeric code stands in.
int StatusOf(const ErrorBody& error) {
  int code = 0;
  if (absl::SimpleAtoi(error.code, &code) && code >= 400 && code < 600) return code;
  for (const std::string& name : {error.type, error.code}) {
    if (name == "overloaded_error") return 529;
    if (IsOneOf(name, {"rate_limit_error", "rate_limit_exceeded", "slow_down"})) return 429;
    if (name == "authentication_error" || name == "invalid_api_key") return 401;
    if (name == "permission_error") return 403;
    if (name == "not_found_error") return 404;
    if (IsOneOf(name, {"invalid_request_error", "invalid_prompt", "context_length_exceeded"})) {
      return 400;
    }
    if (name == "timeout_error") return 504;
  }
  return 500;
}

FailureClass ClassOf(int status, const ErrorBody& error, bool has_wait) {
  if (IsBilling(error)) return FailureClass::kStopTeacher;
  if (error.moderated || error.detail_code == "ResponsibleAIPolicyViolation" ||
      IsOneOf(error.code, {"content_filter", "content_policy_violation"})) {
    return FailureClass::kRefused;
  }
  switch (status) {
    case 429:
      return FailureClass::kRateLimited;
    case 402:
      // OpenRouter's in-flight budget: a 402 that says when to come back is a wait.
      return has_wait ? FailureClass::kRateLimited : FailureClass::kStopTeacher;
    case 403:
      // OpenAI's reasoning models: "You are not allowed to request logprobs from this model". The
      // key is as good as before.
      return absl::StrContains(error.message, "logprobs") ? FailureClass::kBadRequest
                                                          : FailureClass::kStopTeacher;
    case 401:
    case 404:
      return FailureClass::kStopTeacher;
    case 408:
    case 409:
      return FailureClass::kRetryable;
    default:
      return status >= 500 ? FailureClass::kRetryable : FailureClass::kBadRequest;
  }
}

void ReadErrorObject(const json& object, ErrorBody* error) {
  error->present = true;
  error->type = Text(object, "type");
  error->code = Text(object, "code");
  error->message = Text(object, "message");
  const auto member = [&object](const char* key) -> const json* {
    const auto found = object.find(key);
    return found != object.end() && found->is_object() ? &*found : nullptr;
  };
  if (const json* details = member("details")) error->detail_code = Text(*details, "error_code");
  if (const json* inner = member("innererror"); inner != nullptr && error->detail_code.empty()) {
    error->detail_code = Text(*inner, "code");
  }
  if (const json* metadata = member("metadata")) {
    const auto reasons = metadata->find("reasons");
    error->moderated = reasons != metadata->end() && reasons->is_array();
    // A router repeats what the provider behind it said, as text.
    error->competition = absl::StrContains(Text(*metadata, "raw"), kCompetition);
  }
  const json* stop = member("stop_details");
  error->competition = error->competition || IsCompetition(error->code) ||
                       IsCompetition(error->type) || IsCompetition(error->detail_code) ||
                       (stop != nullptr && IsCompetition(Text(*stop, "category")));
}

// An overloaded server turned the call away; other 5xx may come after the work was done.
bool MayHaveBeenBilled(int status, bool inside_200) {
  if (inside_200) return true;
  return status >= 500 && status != 503 && status != 529;
}

}  // namespace

std::string_view FailureClassName(FailureClass cls) {
  static constexpr std::string_view kNames[] = {"retryable",    "rate_limited", "bad_request",
                                                "stop_teacher", "refused",      "garbled",
                                                "cancelled",    "deadline"};
  return kNames[static_cast<size_t>(cls)];
}

ErrorBody ParseErrorBody(std::string_view body) {
  ErrorBody error;
  json parsed = json::parse(SkipSseComments(body).substr(0, kMaxErrorBodyBytes), nullptr, false);
  if (parsed.is_array() && !parsed.empty()) {
    // Moved, since a copy recurses as deep as the provider nests.
    json first = std::move(parsed[0]);
    parsed = std::move(first);
  }
  if (!parsed.is_object()) return error;
  const auto found = parsed.find("error");
  if (found != parsed.end() && found->is_string()) {
    error.present = true;
    error.message = found->get<std::string>();
    error.type = Text(parsed, "error_type");
    return error;
  }
  if (found == parsed.end() && !Text(parsed, "detail").empty()) {
    error.present = true;
    error.message = Text(parsed, "detail");
    return error;
  }
  // Mistral's error is flat: the object itself.
  const bool flat = found == parsed.end() && Text(parsed, "object") == "error";
  if (!flat && (found == parsed.end() || !found->is_object())) return error;
  ReadErrorObject(flat ? parsed : *found, &error);
  return error;
}

Failure ClassifyError(const http::Response& response, const ErrorBody& error, absl::Time now) {
  if (error.competition) return CompetitionNotice(response, error.message);
  const bool inside_200 = response.status_code == kServed;
  const int status = inside_200 ? StatusOf(error) : response.status_code;
  Failure failure;
  failure.http_status = response.status_code;
  failure.request_id = RequestId(response);
  failure.wait_hint = WaitOf(response, error.message, now);
  failure.cls = ClassOf(status, error, failure.wait_hint.has_value());
  failure.may_have_been_billed = MayHaveBeenBilled(status, inside_200);
  // The provider's own verdict wins over the status code, except over money.
  const std::string_view verdict = response.header("x-should-retry");
  if (failure.cls == FailureClass::kRetryable && verdict == "false") {
    failure.cls = FailureClass::kBadRequest;
  } else if (failure.cls == FailureClass::kBadRequest && verdict == "true") {
    failure.cls = FailureClass::kRetryable;
  }
  failure.reason = !error.code.empty() && !absl::ascii_isdigit(error.code[0]) ? error.code
                   : !error.type.empty()                                      ? error.type
                                         : absl::StrCat("HTTP_", status);
  const std::string_view said = error.present ? error.message : std::string_view(response.body);
  failure.message = absl::StrCat("teacher answered ", response.status_code, ": ",
                                 ToAbsl(said.substr(0, kMaxMessageBytes)));
  return failure;
}

Failure ClassifyDelivery(const http::Outcome& outcome) {
  Failure failure;
  failure.may_have_been_billed = outcome.delivery == http::Delivery::kUnknown;
  failure.message = std::string(outcome.status.message()).substr(0, kMaxMessageBytes);
  switch (outcome.status.code()) {
    case absl::StatusCode::kCancelled:
      failure.cls = FailureClass::kCancelled;
      failure.reason = "CANCELLED";
      break;
    case absl::StatusCode::kResourceExhausted:
      // Served, and longer than we accept: another try would be as long.
      failure.cls =
          failure.may_have_been_billed ? FailureClass::kGarbled : FailureClass::kRetryable;
      failure.reason = "ANSWER_TOO_LARGE";
      break;
    case absl::StatusCode::kInvalidArgument:
      failure.cls = FailureClass::kBadRequest;
      failure.reason = "REQUEST_INVALID";
      break;
    case absl::StatusCode::kDeadlineExceeded:
      failure.cls = FailureClass::kRetryable;
      failure.reason = "TIMEOUT";
      break;
    default:
      failure.cls = FailureClass::kRetryable;
      failure.reason = failure.may_have_been_billed ? "ANSWER_LOST" : "NOT_CONNECTED";
  }
  return failure;
}

bool IsCompetition(std::string_view category) { return category == kCompetition; }

Failure CompetitionNotice(const http::Response& response, std::string_view explanation) {
  Failure failure = Garbled(
      response, "PROVIDER_FLAGGED_USE",
      absl::StrCat("the provider flags this use as building a competing model (frontier_llm); "
                   "nothing more is sent until the operator has settled it with the provider",
                   explanation.empty() ? "" : ": ", ToAbsl(explanation)));
  failure.cls = FailureClass::kStopTeacher;
  failure.may_have_been_billed = response.status_code == kServed;
  return failure;
}

Failure Garbled(const http::Response& response, std::string_view reason, std::string_view message) {
  Failure failure;
  failure.cls = FailureClass::kGarbled;
  failure.reason = std::string(reason);
  failure.message = std::string(message.substr(0, kMaxMessageBytes));
  failure.may_have_been_billed = true;
  failure.http_status = response.status_code;
  failure.request_id = RequestId(response);
  return failure;
}

}  // namespace limbeck::gateway
