// Google's errors: status names and typed details (google.rpc) in the body, waits among them.
#pragma once

#include <string_view>

#include "absl/time/time.h"
#include "base/http/transport.h"
#include "gateway/limits/quota_pool.h"
#include "gateway/teachers/failure.h"

namespace limbeck::gateway {

// Classifies an error answer, or an error inside a 200, whose object (or one-element array) is
// `body`. Beyond ClassifyError: a key that is not valid stops the teacher although its status is
// 400; RetryInfo is the wait; a daily quota waits until it is renewed.
Failure ClassifyGeminiError(const http::Response& response, std::string_view body, absl::Time now);

// The waits of a 429's body, since there are no rate headers. A daily quota that is used up comes
// with a `retryDelay` of seconds all the same: then the account is exhausted until the quota is
// renewed, at midnight in California (ai.google.dev, rate limits).
QuotaHints GeminiHints(const http::Response& response, absl::Time now);

}  // namespace limbeck::gateway
