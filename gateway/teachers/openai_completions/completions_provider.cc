#include "gateway/teachers/openai_completions/completions_provider.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "gateway/teachers/exchange.h"
#include "gateway/teachers/openai/chat_request.h"
#include "gateway/teachers/openai/parse_answer.h"
#include "gateway/teachers/rate_headers.h"

namespace limbeck::gateway {
namespace {

using nlohmann::json;

constexpr uint32_t kUsualTopLogprobs = 5;

json BodyOf(const TeacherConfig& config, const TeacherQuery& query) {
  const Sampling& sampling = query.sampling;
  json body = {{"model", config.model}, {"temperature", sampling.temperature}};
  if (!query.continuation.empty()) {
    body["prompt"] = absl::StrCat(FlattenPrompt(query.messages), query.continuation);
    body["echo"] = true;
    body["max_tokens"] = 0;
    body["logprobs"] = std::max(query.top_logprobs, 1u);
    return body;
  }
  body["prompt"] = FlattenPrompt(query.messages);
  body["max_tokens"] = sampling.max_tokens;
  if (sampling.top_p.has_value()) body["top_p"] = *sampling.top_p;
  if (sampling.seed.has_value()) body["seed"] = *sampling.seed;
  if (!sampling.stop.empty()) body["stop"] = sampling.stop;
  if (query.top_logprobs > 0) body["logprobs"] = query.top_logprobs;
  if (query.samples > 1) body["n"] = query.samples;
  if (config.stream && query.samples <= 1) {
    body["stream"] = true;
    body["stream_options"] = {{"include_usage", true}};
  }
  return body;
}

}  // namespace

std::string FlattenPrompt(const std::vector<Turn>& messages) {
  std::string prompt;
  for (const bool system : {true, false}) {
    for (const Turn& turn : messages) {
      if ((turn.role == Role::kSystem) != system) continue;
      absl::StrAppend(&prompt, prompt.empty() ? "" : "\n\n", turn.content);
    }
  }
  return prompt;
}

Capabilities CompletionsProvider::capabilities() const {
  return {.logprobs = true,
          .seed = true,
          .max_top_logprobs = kMaxTopLogprobs,
          .usual_top_logprobs = kUsualTopLogprobs,
          .continuation_scoring = true,
          .max_samples = kMaxChoices};
}

absl::StatusOr<http::Request> CompletionsProvider::BuildRequest(const TeacherConfig& config,
                                                                const TeacherQuery& query) const {
  LIMBECK_RETURN_IF_ERROR(CheckChatQuery(config, capabilities(), query));
  LIMBECK_ASSIGN_OR_RETURN(http::Request request,
                           JsonRequest(config, query, "/completions", BodyOf(config, query)));
  AddBearer(KeyOf(config), &request);
  return request;
}

ParseResult CompletionsProvider::ParseResponse(const TeacherConfig& config,
                                               const TeacherQuery& query,
                                               const http::Response& response,
                                               absl::Time now) const {
  if (query.continuation.empty() || response.status_code != 200) {
    static const CompatibleProfile* const profile = new CompatibleProfile;
    return ParseChatResponse(config, kind(), *profile, query, response, now);
  }
  ParseResult result = ParseScoring(query, FlattenPrompt(query.messages), response, now);
  if (auto* output = std::get_if<cache::SoftOutput>(&result)) {
    StampAnswer(config, kind(), query, response, now, output);
  }
  return result;
}

std::vector<cache::SoftOutput> CompletionsProvider::ParseFurther(const TeacherConfig& config,
                                                                 const TeacherQuery& query,
                                                                 const http::Response& response,
                                                                 absl::Time now) const {
  return ParseFurtherChoices(config, kind(), CompatibleProfile(), query, response, now);
}

absl::StatusOr<http::Request> CompletionsProvider::BuildListing(const TeacherConfig& config) const {
  return ListingRequest(config);
}

QuotaHints CompletionsProvider::ParseHints(const http::Response& response, absl::Time now) const {
  return OpenAiHints(response, now);
}

}  // namespace limbeck::gateway
