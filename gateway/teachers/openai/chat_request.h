// Requests in OpenAI's shape. How hosts deviate is data: see compatible_profile.h.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "gateway/teachers/compatible_profile.h"
#include "gateway/teachers/teacher.h"

namespace limbeck::gateway {

// The most that OpenAI takes for `n`.
inline constexpr uint32_t kMaxChoices = 128;

// A bound of ours: servers cap lower, the teacher's configuration says where.
inline constexpr uint32_t kMaxTopLogprobs = 1024;

// Everything wrong with asking `query`: CheckQuery, and a schema that is no JSON.
absl::Status CheckChatQuery(const TeacherConfig& config, const Capabilities& can,
                            const TeacherQuery& query);

// The body of a chat completion. REQUIRES: CheckChatQuery is OK and profile.extra_body, where there
// is one, is a JSON object. Strings that are not UTF-8 fail later, in Dump.
nlohmann::json ChatBody(const TeacherConfig& config, const TeacherQuery& query,
                        const CompatibleProfile& profile);

// `body` as text. INVALID_ARGUMENT where a string is not UTF-8.
absl::StatusOr<std::string> Dump(const nlohmann::json& body);

// A complete request for `path` behind the teacher's base URL, without a key.
absl::StatusOr<http::Request> JsonRequest(const TeacherConfig& config, const TeacherQuery& query,
                                          std::string_view path, const nlohmann::json& body);

// Reads an answer of any status with ParseCompletion and stamps it. Thread-safe.
ParseResult ParseChatResponse(const TeacherConfig& config, std::string_view kind,
                              const CompatibleProfile& profile, const TeacherQuery& query,
                              const http::Response& response, absl::Time now);

// Provider::ParseFurther for answers of this shape: the choices behind the first, those that cannot
// be read left out.
std::vector<cache::SoftOutput> ParseFurtherChoices(const TeacherConfig& config,
                                                   std::string_view kind,
                                                   const CompatibleProfile& profile,
                                                   const TeacherQuery& query,
                                                   const http::Response& response, absl::Time now);

// GET /models behind the teacher's base URL, its key as a bearer.
absl::StatusOr<http::Request> ListingRequest(const TeacherConfig& config);

}  // namespace limbeck::gateway
