// The body of a /completion answer: one JSON object, or server-sent events.
#pragma once

#include <string>

#include "absl/time/time.h"
#include "gateway/teachers/teacher.h"

namespace limbeck::gateway {

// Reads an answer with status 200; `teacher` is for warnings. Probabilities after sampling are
// refused (kStopTeacher): a server that sends them unasked would poison every record. The server
// folds the tokens of one character into the entry of the last: it keeps that one's id and logprob
// and is lossy.
ParseResult ParseCompletion(const std::string& teacher, const http::Response& response,
                            absl::Time now);

}  // namespace limbeck::gateway
