// The body of a Messages answer: one JSON object, or server-sent events.
#pragma once

#include <nlohmann/json.hpp>

#include "absl/time/time.h"
#include "gateway/teachers/teacher.h"

namespace limbeck::gateway {

// Reads an answer with status 200. A stream counts from message_start to message_stop: without the
// latter it is cut, and an error event voids what came before it and is classified by its type.
// A refusal of the category that flags work on competing models stops the teacher.
ParseResult ParseMessage(const http::Response& response, absl::Time now);

}  // namespace limbeck::gateway
