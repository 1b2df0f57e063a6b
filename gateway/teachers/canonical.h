// The canonical form of a query: the bytes that its cache key is made from.
#pragma once

#include <string>
#include <string_view>

#include "gateway/teachers/teacher.h"

namespace limbeck::gateway {

// Everything that changes the answer, each field behind its length: provider kind, endpoint,
// model, revision, the host's options, every sampling parameter, messages, tools, response format
// and sample index. `top_logprobs` is left out: an entry bought with more candidates serves queries
// that need fewer, and the number travels beside the key. The format is versioned by its first
// field and may only change together with it, because a change makes every answer ever bought
// unfindable.
std::string CanonicalRequest(const TeacherConfig& config, const TeacherQuery& query);

// `base_url` with scheme and host in lower case, default ports and trailing slashes removed.
std::string EndpointIdentity(std::string_view base_url);

// The Idempotency-Key header: equal for all tries of one query and for nothing else.
std::string IdempotencyKey(const TeacherConfig& config, const TeacherQuery& query);

}  // namespace limbeck::gateway
