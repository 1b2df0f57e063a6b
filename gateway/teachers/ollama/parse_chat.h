// The body of an /api/chat answer: one JSON object, or one a line while it streams.
#pragma once

#include <string>

#include "absl/time/time.h"
#include "gateway/teachers/teacher.h"

namespace limbeck::gateway {

// Reads an answer with status 200; `teacher` is for warnings. The lines' texts and logprobs are
// joined, the counts are those of the last one, which says "done". An {"error":"text"} in any line
// voids what came before. The server makes `bytes` from the token's text, so those of a part of a
// character are U+FFFD's: such tokens are lossy, and there are no ids to tell them apart.
ParseResult ParseOllamaChat(const std::string& teacher, const http::Response& response,
                            absl::Time now);

}  // namespace limbeck::gateway
