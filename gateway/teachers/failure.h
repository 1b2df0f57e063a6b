// Why a teacher gave no usable answer, and what follows from it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "absl/time/time.h"
#include "base/http/transport.h"
#include "cache/records/soft_output.h"

namespace limbeck::gateway {

enum class FailureClass : uint8_t {
  kRetryable,    // A fault on the way: another try may succeed.
  kRateLimited,  // The account is over a limit: wait, then retry.
  kBadRequest,   // This query will never be accepted.
  kStopTeacher,  // No query will be accepted until the operator acts: key, money, permission.
  kRefused,      // The provider will not answer this row.
  kGarbled,      // An answer that was served cannot be read.
  kCancelled,    // The caller or shutdown ended it.
  kDeadline      // The query's own deadline passed.
};

std::string_view FailureClassName(FailureClass cls);

struct Failure {
  FailureClass cls = FailureClass::kRetryable;
  // For programs and metrics: "HTTP_503", "insufficient_quota", "TRUNCATED_JSON".
  std::string reason;
  // For people; holds no key and no more than 300 bytes of what the provider said.
  std::string message;
  std::optional<absl::Duration> wait_hint;
  // The provider may have served, and billed, the call. When true a retry may cost twice.
  bool may_have_been_billed = false;
  // What the answer said it used, where one was served; all zero where it said nothing.
  cache::Usage usage;
  int http_status = 0;
  std::string request_id;
};

// What an error body says, whatever its shape: OpenAI's and Anthropic's objects, Mistral's flat
// one, Gemini's one-element array, a plain string, FastAPI's "detail".
struct ErrorBody {
  bool present = false;
  std::string type;
  std::string code;  // Numbers as decimal text.
  std::string message;
  std::string detail_code;  // error.details.error_code, else error.innererror.code
  bool moderated = false;   // error.metadata.reasons: a moderator in between refused the row.
  // The provider takes the use for work on a model that competes with its own.
  bool competition = false;
};
// Blank lines and comments before the body are skipped; at most its first 64 KiB are read.
ErrorBody ParseErrorBody(std::string_view body);

// Classifies a complete answer whose status code is not 200, or a 200 that carries an error.
Failure ClassifyError(const http::Response& response, const ErrorBody& error, absl::Time now);

// Classifies a transfer without a complete answer.
Failure ClassifyDelivery(const http::Outcome& outcome);

// Whether a refusal's category is Anthropic's for work on competing models.
bool IsCompetition(std::string_view category);

// A provider's notice that it takes the use for work on a competing model, in its own words: the
// teacher stops until the operator has settled it. It may be billed where it came in an answer.
Failure CompetitionNotice(const http::Response& response, std::string_view explanation);

// A failure of an answer with status 200 that cannot be read.
Failure Garbled(const http::Response& response, std::string_view reason, std::string_view message);

}  // namespace limbeck::gateway
