#include "gateway/teachers/openai/openai_provider.h"

#include <nlohmann/json.hpp>

#include "base/status.h"
#include "gateway/teachers/exchange.h"
#include "gateway/teachers/openai/chat_request.h"
#include "gateway/teachers/rate_headers.h"

namespace limbeck::gateway {
namespace {

CompatibleProfile ProfileOf(const TeacherConfig& config) {
  CompatibleProfile profile;
  if (config.max_completion_tokens) profile.max_tokens_field = "max_completion_tokens";
  return profile;
}

}  // namespace

Capabilities OpenAiProvider::capabilities() const {
  return {.logprobs = true,
          .seed = true,
          .max_top_logprobs = kMaxTopLogprobs,
          .schema = true,
          .max_samples = kMaxChoices};
}

absl::StatusOr<http::Request> OpenAiProvider::BuildRequest(const TeacherConfig& config,
                                                           const TeacherQuery& query) const {
  LIMBECK_RETURN_IF_ERROR(CheckChatQuery(config, capabilities(), query));
  const nlohmann::json body = ChatBody(config, query, ProfileOf(config));
  LIMBECK_ASSIGN_OR_RETURN(http::Request request,
                           JsonRequest(config, query, "/chat/completions", body));
  AddBearer(KeyOf(config), &request);
  return request;
}

ParseResult OpenAiProvider::ParseResponse(const TeacherConfig& config, const TeacherQuery& query,
                                          const http::Response& response, absl::Time now) const {
  static const CompatibleProfile* const profile = new CompatibleProfile;
  return ParseChatResponse(config, kind(), *profile, query, response, now);
}

std::vector<cache::SoftOutput> OpenAiProvider::ParseFurther(const TeacherConfig& config,
                                                            const TeacherQuery& query,
                                                            const http::Response& response,
                                                            absl::Time now) const {
  return ParseFurtherChoices(config, kind(), CompatibleProfile(), query, response, now);
}

absl::StatusOr<http::Request> OpenAiProvider::BuildListing(const TeacherConfig& config) const {
  return ListingRequest(config);
}

QuotaHints OpenAiProvider::ParseHints(const http::Response& response, absl::Time now) const {
  return OpenAiHints(response, now);
}

}  // namespace limbeck::gateway
