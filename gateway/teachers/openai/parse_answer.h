// The body of a chat completion, read with simdjson in one pass.
#pragma once

#include <string_view>

#include "absl/time/time.h"
#include "cache/records/soft_output.h"
#include "gateway/teachers/teacher.h"

namespace limbeck::gateway {

// Reads an answer with status 200. The first choice counts. An `error` in the body, unreadable or
// cut JSON and a body without choices are failures; a refusal is an answer (finish reason
// kRefusal), since it was paid for. Logprobs that were not given leave support at kTextOnly.
// `provenance` gets model and fingerprint only. Thread-safe.
ParseResult ParseChatCompletion(const http::Response& response, absl::Time now);

// Open enumerations of several hosts; unknown text is kUnknown.
cache::FinishReason FinishReasonOf(std::string_view raw);

}  // namespace limbeck::gateway
