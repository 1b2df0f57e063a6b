#include "gateway/teachers/openai/chat_request.h"

#include <nlohmann/json.hpp>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "base/string_view.h"
#include "gateway/teachers/canonical.h"
#include "gateway/teachers/exchange.h"
#include "gateway/teachers/openai/parse_answer.h"
#include "gateway/teachers/rate_headers.h"

namespace limbeck::gateway {

using nlohmann::json;

namespace {

void AskForLogprobs(const CompatibleProfile& profile, uint32_t top_logprobs, json* body) {
  if (top_logprobs == 0) return;
  switch (profile.logprobs) {
    case LogprobsForm::kFlag:
      (*body)["logprobs"] = true;
      (*body)["top_logprobs"] = top_logprobs;
      return;
    case LogprobsForm::kCount:
      (*body)["logprobs"] = top_logprobs;
      return;
    case LogprobsForm::kNone:
      return;
  }
}

}  // namespace

absl::Status CheckChatQuery(const TeacherConfig& config, const Capabilities& can,
                            const TeacherQuery& query) {
  LIMBECK_RETURN_IF_ERROR(InvalidFields("query", CheckQuery(config, can, query)));
  if (query.response_schema.empty()) return absl::OkStatus();
  return CheckUserJson("response_schema", query.response_schema);
}

json ChatBody(const TeacherConfig& config, const TeacherQuery& query,
              const CompatibleProfile& profile) {
  json messages = json::array();
  for (const Turn& turn : query.messages) {
    messages.push_back({{"role", RoleName(turn.role)}, {"content", turn.content}});
  }
  const Sampling& sampling = query.sampling;
  json body = {{"model", config.model},
               {"messages", std::move(messages)},
               {"temperature", sampling.temperature}};
  body[profile.max_tokens_field] = sampling.max_tokens;
  if (sampling.top_p.has_value()) body["top_p"] = *sampling.top_p;
  if (sampling.seed.has_value()) body[profile.seed_field] = *sampling.seed;
  if (!sampling.stop.empty()) body["stop"] = sampling.stop;
  AskForLogprobs(profile, query.top_logprobs, &body);
  if (!query.response_schema.empty()) {
    body["response_format"] = {
        {"type", "json_schema"},
        {"json_schema",
         {{"name", "answer"}, {"strict", true}, {"schema", json::parse(query.response_schema)}}}};
  }
  // Streams of several answers come interleaved, and nothing is gained by them.
  if (query.samples > 1) body["n"] = query.samples;
  if (config.stream && query.samples <= 1 &&
      !(profile.stream_drops_candidates && query.top_logprobs > 0)) {
    body["stream"] = true;
    if (profile.stream_options) body["stream_options"] = {{"include_usage", true}};
  }
  if (!profile.extra_body.empty()) body.update(json::parse(profile.extra_body), true);
  return body;
}

absl::StatusOr<std::string> Dump(const json& body) {
  try {
    return body.dump();
  } catch (const json::exception& error) {
    return absl::InvalidArgumentError(absl::StrCat("messages must be UTF-8: ", error.what()));
  }
}

absl::StatusOr<http::Request> JsonRequest(const TeacherConfig& config, const TeacherQuery& query,
                                          std::string_view path, const json& body) {
  LIMBECK_ASSIGN_OR_RETURN(std::string text, Dump(body));
  return NewRequest(config, query, absl::StrCat(EndpointIdentity(config.base_url), ToAbsl(path)),
                    std::move(text));
}

ParseResult ParseChatResponse(const TeacherConfig& config, std::string_view kind,
                              const CompatibleProfile& profile, const TeacherQuery& query,
                              const http::Response& response, absl::Time now) {
  if (response.status_code != 200) {
    return ClassifyError(response, ParseErrorBody(response.body), now);
  }
  ParseResult result = ParseCompletion(profile, response, now);
  if (auto* output = std::get_if<cache::SoftOutput>(&result)) {
    StampAnswer(config, kind, query, response, now, output);
  }
  return result;
}

std::vector<cache::SoftOutput> ParseFurtherChoices(const TeacherConfig& config,
                                                   std::string_view kind,
                                                   const CompatibleProfile& profile,
                                                   const TeacherQuery& query,
                                                   const http::Response& response, absl::Time now) {
  std::vector<cache::SoftOutput> further;
  for (uint32_t choice = 1; choice < query.samples; ++choice) {
    ParseResult result = ParseCompletion(profile, response, now, choice);
    auto* output = std::get_if<cache::SoftOutput>(&result);
    if (output == nullptr) continue;
    StampAnswer(config, kind, query, response, now, output);
    further.push_back(std::move(*output));
  }
  return further;
}

absl::StatusOr<http::Request> ListingRequest(const TeacherConfig& config) {
  http::Request request;
  request.method = "GET";
  request.url = absl::StrCat(EndpointIdentity(config.base_url), "/models");
  request.connect_timeout = config.timeouts.connect;
  request.total_timeout = config.timeouts.total;
  request.idle_timeout = config.timeouts.idle;
  request.max_response_bytes = config.max_response_bytes;
  AddBearer(KeyOf(config), &request);
  return request;
}

}  // namespace limbeck::gateway
