// The body of a completion, whole or streamed, as a soft output.
#pragma once

#include <cstddef>
#include <string_view>

#include "absl/time/time.h"
#include "cache/records/soft_output.h"
#include "gateway/teachers/compatible_profile.h"
#include "gateway/teachers/teacher.h"

namespace limbeck::gateway {

// Reads an answer with status 200, JSON or server-sent events, whichever it is. An `error` in the
// body or in an event, unreadable or cut JSON and a body without choices are failures, and so is a
// stream without its finish reason or its `[DONE]`: it may have been billed. A refusal is an answer
// (finish reason kRefusal), since it was paid for. Logprobs that were not given leave support at
// kTextOnly; refusals and answers whose tokens all went into reasoning have none. `profile` gives
// further finish reasons and usage fields. `provenance` gets model and fingerprint only.
// `choice` is the place of the answer in `choices`; only the first can come in a stream.
// Thread-safe.
ParseResult ParseCompletion(const CompatibleProfile& profile, const http::Response& response,
                            absl::Time now, size_t choice = 0);

// The same for a text that was scored (TeacherQuery::continuation): the tokens are those of the
// text, from `prompt_logprobs` (vLLM) or from the lists of an echoed prompt. The finish reason is
// kStop and its raw form "scored", or "scored_straddling" where the first token also covers the end
// of the prompt. `echoed_prompt` is the prompt as sent, empty where the server built it.
// Logprobs that do not hold the text are a failure that another try will not mend.
ParseResult ParseScoring(const TeacherQuery& query, std::string_view echoed_prompt,
                         const http::Response& response, absl::Time now);

// Open enumerations of several hosts; unknown text is kUnknown.
cache::FinishReason FinishReasonOf(std::string_view raw);

}  // namespace limbeck::gateway
