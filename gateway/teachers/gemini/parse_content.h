// The body of a generateContent answer: one object, or the chunks of a stream.
#pragma once

#include <string>

#include "absl/time/time.h"
#include "gateway/teachers/teacher.h"

namespace limbeck::gateway {

// Reads an answer with status 200, as one JSON object, as server-sent events or as an array of
// chunks (a stream without alt=sse). `candidate` is the place of the one that counts; `teacher` is
// for warnings. A blocked prompt is an answer without text, finish reason kFilter: it was served.
// Tokens have no bytes of their own, so the token's text stands in and U+FFFD in it makes it lossy.
// Parts marked as thoughts are left out of the text, their tokens are the usage's reasoning tokens.
ParseResult ParseContent(const std::string& teacher, const http::Response& response, absl::Time now,
                         size_t candidate = 0);

}  // namespace limbeck::gateway
