#include "gateway/teachers/ollama/ollama_provider.h"

#include <nlohmann/json.hpp>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "gateway/teachers/canonical.h"
#include "gateway/teachers/exchange.h"
#include "gateway/teachers/json_fields.h"
#include "gateway/teachers/ollama/parse_chat.h"
#include "gateway/teachers/rate_headers.h"

namespace limbeck::gateway {
namespace {

using nlohmann::json;

constexpr uint32_t kMaxTopLogprobs = 20;

json BodyOf(const TeacherConfig& config, const TeacherQuery& query) {
  json messages = json::array();
  for (const Turn& turn : query.messages) {
    messages.push_back({{"role", RoleName(turn.role)}, {"content", turn.content}});
  }
  const Sampling& sampling = query.sampling;
  json options = {{"temperature", sampling.temperature}, {"num_predict", sampling.max_tokens}};
  if (sampling.top_p.has_value()) options["top_p"] = *sampling.top_p;
  if (sampling.seed.has_value()) options["seed"] = *sampling.seed;
  if (!sampling.stop.empty()) options["stop"] = sampling.stop;
  json body = {{"model", config.model},
               {"messages", std::move(messages)},
               {"options", std::move(options)},
               // The server streams unless told otherwise.
               {"stream", config.stream}};
  if (query.top_logprobs > 0) {
    body["logprobs"] = true;
    body["top_logprobs"] = query.top_logprobs;
  }
  return body;
}

}  // namespace

Capabilities OllamaProvider::capabilities() const {
  return {.logprobs = true, .seed = true, .max_top_logprobs = kMaxTopLogprobs, .schema = true};
}

absl::StatusOr<http::Request> OllamaProvider::BuildRequest(const TeacherConfig& config,
                                                           const TeacherQuery& query) const {
  LIMBECK_RETURN_IF_ERROR(InvalidFields("query", CheckQuery(config, capabilities(), query)));
  json body = BodyOf(config, query);
  if (!query.response_schema.empty()) {
    LIMBECK_RETURN_IF_ERROR(CheckUserJson("response_schema", query.response_schema));
    body["format"] = json::parse(query.response_schema);
  }
  LIMBECK_ASSIGN_OR_RETURN(std::string text, DumpBody(body));
  http::Request request = NewRequest(
      config, query, absl::StrCat(EndpointIdentity(config.base_url), "/api/chat"), std::move(text));
  // The server asks for none; a proxy in front of it may.
  AddBearer(KeyOf(config), &request);
  return request;
}

ParseResult OllamaProvider::ParseResponse(const TeacherConfig& config, const TeacherQuery& query,
                                          const http::Response& response, absl::Time now) const {
  if (response.status_code != 200) {
    return ClassifyError(response, ParseErrorBody(response.body), now);
  }
  ParseResult result = ParseOllamaChat(config.name, response, now);
  if (auto* output = std::get_if<cache::SoftOutput>(&result)) {
    StampAnswer(config, kind(), query, response, now, output);
  }
  return result;
}

QuotaHints OllamaProvider::ParseHints(const http::Response& response, absl::Time now) const {
  QuotaHints hints;
  hints.retry_after = RetryAfter(response, now);
  return hints;
}

}  // namespace limbeck::gateway
