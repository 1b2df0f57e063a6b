#include "gateway/teachers/vllm/vllm_provider.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/status.h"
#include "gateway/teachers/exchange.h"
#include "gateway/teachers/openai/chat_request.h"
#include "gateway/teachers/openai/parse_answer.h"
#include "gateway/teachers/rate_headers.h"

namespace limbeck::gateway {
namespace {

using nlohmann::json;

// The question with the text to be scored as the end of the assistant's turn.
json ScoringBody(const TeacherConfig& config, const TeacherQuery& query) {
  TeacherQuery asked = query;
  asked.top_logprobs = 0;
  asked.sampling.max_tokens = 1;
  if (asked.messages.back().role == Role::kAssistant) {
    asked.messages.back().content += query.continuation;
  } else {
    asked.messages.push_back({Role::kAssistant, query.continuation});
  }
  TeacherConfig whole = config;
  whole.stream = false;  // The server streams no prompt logprobs.
  json body = ChatBody(whole, asked, CompatibleProfile());
  body["add_generation_prompt"] = false;
  body["continue_final_message"] = true;
  body["prompt_logprobs"] = std::max(query.top_logprobs, 1u);
  return body;
}

}  // namespace

Capabilities VllmProvider::capabilities() const {
  return {.logprobs = true,
          .seed = true,
          .max_top_logprobs = kMaxTopLogprobs,
          .schema = true,
          .choices = true,
          .continuation_scoring = true,
          .max_samples = kMaxChoices};
}

absl::StatusOr<http::Request> VllmProvider::BuildRequest(const TeacherConfig& config,
                                                         const TeacherQuery& query) const {
  LIMBECK_RETURN_IF_ERROR(CheckChatQuery(config, capabilities(), query));
  const bool scores = !query.continuation.empty();
  if (!query.choices.empty() && (scores || !query.response_schema.empty())) {
    return absl::InvalidArgumentError("choices cannot be had with a continuation or a schema");
  }
  json body = scores ? ScoringBody(config, query) : ChatBody(config, query, CompatibleProfile());
  if (!query.choices.empty()) body["structured_outputs"] = {{"choice", query.choices}};
  body["return_token_ids"] = true;
  LIMBECK_ASSIGN_OR_RETURN(http::Request request,
                           JsonRequest(config, query, "/chat/completions", body));
  AddBearer(KeyOf(config), &request);
  return request;
}

ParseResult VllmProvider::ParseResponse(const TeacherConfig& config, const TeacherQuery& query,
                                        const http::Response& response, absl::Time now) const {
  if (query.continuation.empty() || response.status_code != 200) {
    static const CompatibleProfile* const profile = new CompatibleProfile;
    return ParseChatResponse(config, kind(), *profile, query, response, now);
  }
  ParseResult result = ParseScoring(query, "", response, now);
  if (auto* output = std::get_if<cache::SoftOutput>(&result)) {
    StampAnswer(config, kind(), query, response, now, output);
  }
  return result;
}

std::vector<cache::SoftOutput> VllmProvider::ParseFurther(const TeacherConfig& config,
                                                          const TeacherQuery& query,
                                                          const http::Response& response,
                                                          absl::Time now) const {
  return ParseFurtherChoices(config, kind(), CompatibleProfile(), query, response, now);
}

absl::StatusOr<http::Request> VllmProvider::BuildListing(const TeacherConfig& config) const {
  return ListingRequest(config);
}

QuotaHints VllmProvider::ParseHints(const http::Response& response, absl::Time now) const {
  return OpenAiHints(response, now);
}

}  // namespace limbeck::gateway
