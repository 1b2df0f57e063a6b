// What the requests and answers of all provider kinds share.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/http/transport.h"
#include "gateway/teachers/failure.h"
#include "gateway/teachers/sse.h"
#include "gateway/teachers/teacher.h"

namespace limbeck::gateway {

// Deepest nesting of a JSON text that a user hands us; what writes JSON recurses.
inline constexpr size_t kMaxUserJsonDepth = 100;

// A POST of JSON to `url` with the teacher's timeouts and limits and the query's Idempotency-Key.
// The caller adds the key.
http::Request NewRequest(const TeacherConfig& config, const TeacherQuery& query, std::string url,
                         std::string body);

// The key to send now: that of a file which may have changed, else the one of the start. Empty
// where the server asks for none. For kinds whose keys do not end by themselves.
Secret KeyOf(const TeacherConfig& config);

// Sends a key as a bearer token, or in a header of its own, where there is one.
void AddBearer(const Secret& key, http::Request* request);
void AddKeyHeader(std::string_view name, const Secret& key, http::Request* request);

// "system", "user", "assistant".
std::string_view RoleName(Role role);

// Fills in what a soft output says about its origin, except what the answer itself holds (model,
// fingerprint). `now` is wall time.
void StampAnswer(const TeacherConfig& config, std::string_view kind, const TeacherQuery& query,
                 const http::Response& response, absl::Time now, cache::SoftOutput* output);

// INVALID_ARGUMENT when `text` is not JSON or nests deeper than kMaxUserJsonDepth. `what` names
// the field.
absl::Status CheckUserJson(std::string_view what, std::string_view text);

// A stream that ends before its end: the call may have been served and billed, and another try may
// succeed.
Failure StreamCut(const http::Response& response);

// An error that came as an event behind status 200; what was streamed before it is void.
Failure StreamError(const http::Response& response, const SseEvent& event, absl::Time now);

// A stream that ReadSse refused.
Failure StreamTooLarge(const http::Response& response, const absl::Status& status);

}  // namespace limbeck::gateway
