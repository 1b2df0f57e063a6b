#include "gateway/teachers/anthropic/anthropic_provider.h"

#include <nlohmann/json.hpp>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "gateway/teachers/anthropic/parse_message.h"
#include "gateway/teachers/canonical.h"
#include "gateway/teachers/exchange.h"
#include "gateway/teachers/json_fields.h"
#include "gateway/teachers/rate_headers.h"

namespace limbeck::gateway {
namespace {

using nlohmann::json;

constexpr const char* kVersion = "2023-06-01";
// An answer that may take longer than ten minutes has to be streamed.
constexpr uint32_t kMaxUnstreamedTokens = 21'333;

json BodyOf(const TeacherConfig& config, const TeacherQuery& query) {
  json messages = json::array();
  std::string system;
  for (const Turn& turn : query.messages) {
    if (turn.role == Role::kSystem) {
      absl::StrAppend(&system, system.empty() ? "" : "\n\n", turn.content);
      continue;
    }
    messages.push_back({{"role", turn.role == Role::kAssistant ? "assistant" : "user"},
                        {"content", turn.content}});
  }
  const Sampling& sampling = query.sampling;
  json body = {{"model", config.model},
               {"messages", std::move(messages)},
               {"max_tokens", sampling.max_tokens},
               {"temperature", sampling.temperature}};
  if (!system.empty()) body["system"] = system;
  if (sampling.top_p.has_value()) body["top_p"] = *sampling.top_p;
  if (!sampling.stop.empty()) body["stop_sequences"] = sampling.stop;
  if (config.stream || sampling.max_tokens > kMaxUnstreamedTokens) body["stream"] = true;
  return body;
}

}  // namespace

Capabilities AnthropicProvider::capabilities() const { return {.schema = true}; }

absl::StatusOr<http::Request> AnthropicProvider::BuildRequest(const TeacherConfig& config,
                                                              const TeacherQuery& query) const {
  std::vector<FieldViolation> violations = CheckQuery(config, capabilities(), query);
  if (query.sampling.temperature > 1) {
    violations.push_back({"sampling.temperature", "this provider takes at most 1"});
  }
  LIMBECK_RETURN_IF_ERROR(InvalidFields("query", violations));
  json body = BodyOf(config, query);
  if (!query.response_schema.empty()) {
    LIMBECK_RETURN_IF_ERROR(CheckUserJson("response_schema", query.response_schema));
    body["output_config"] = {
        {"format", {{"type", "json_schema"}, {"schema", json::parse(query.response_schema)}}}};
  }
  LIMBECK_ASSIGN_OR_RETURN(std::string text, DumpBody(body));
  http::Request request = NewRequest(
      config, query, absl::StrCat(EndpointIdentity(config.base_url), "/messages"), std::move(text));
  request.headers.push_back({"anthropic-version", kVersion});
  AddKeyHeader("x-api-key", KeyOf(config), &request);
  return request;
}

ParseResult AnthropicProvider::ParseResponse(const TeacherConfig& config, const TeacherQuery& query,
                                             const http::Response& response, absl::Time now) const {
  if (response.status_code != 200) {
    return ClassifyError(response, ParseErrorBody(response.body), now);
  }
  ParseResult result = ParseMessage(response, now);
  if (auto* output = std::get_if<cache::SoftOutput>(&result)) {
    StampAnswer(config, kind(), query, response, now, output);
  }
  return result;
}

QuotaHints AnthropicProvider::ParseHints(const http::Response& response, absl::Time now) const {
  return AnthropicHints(response, now);
}

}  // namespace limbeck::gateway
