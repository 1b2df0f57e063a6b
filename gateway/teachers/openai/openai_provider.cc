#include "gateway/teachers/openai/openai_provider.h"

#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "gateway/teachers/canonical.h"
#include "gateway/teachers/openai/parse_answer.h"
#include "gateway/teachers/rate_headers.h"

namespace limbeck::gateway {
namespace {

using nlohmann::json;

// A bound of ours: servers cap lower, the teacher's configuration says where.
constexpr uint32_t kMaxTopLogprobs = 1024;

const char* RoleName(Role role) {
  switch (role) {
    case Role::kSystem:
      return "system";
    case Role::kAssistant:
      return "assistant";
    case Role::kUser:
      break;
  }
  return "user";
}

json BodyOf(const TeacherConfig& config, const TeacherQuery& query) {
  json messages = json::array();
  for (const Turn& turn : query.messages) {
    messages.push_back({{"role", RoleName(turn.role)}, {"content", turn.content}});
  }
  const Sampling& sampling = query.sampling;
  json body = {{"model", config.model},
               {"messages", std::move(messages)},
               {"temperature", sampling.temperature}};
  body[config.max_completion_tokens ? "max_completion_tokens" : "max_tokens"] = sampling.max_tokens;
  if (sampling.top_p.has_value()) body["top_p"] = *sampling.top_p;
  if (sampling.seed.has_value()) body["seed"] = *sampling.seed;
  if (!sampling.stop.empty()) body["stop"] = sampling.stop;
  if (query.top_logprobs > 0) {
    body["logprobs"] = true;
    body["top_logprobs"] = query.top_logprobs;
  }
  if (!query.response_schema.empty()) {
    body["response_format"] = {
        {"type", "json_schema"},
        {"json_schema",
         {{"name", "answer"}, {"strict", true}, {"schema", json::parse(query.response_schema)}}}};
  }
  return body;
}

}  // namespace

Capabilities OpenAiProvider::capabilities() const {
  return {.logprobs = true, .seed = true, .max_top_logprobs = kMaxTopLogprobs, .schema = true};
}

absl::StatusOr<http::Request> OpenAiProvider::BuildRequest(const TeacherConfig& config,
                                                           const TeacherQuery& query) const {
  LIMBECK_RETURN_IF_ERROR(InvalidFields("query", CheckQuery(config, capabilities(), query)));
  http::Request request;
  try {
    request.body = BodyOf(config, query).dump();
  } catch (const json::exception& error) {
    return absl::InvalidArgumentError(
        absl::StrCat("messages must be UTF-8 and response_schema JSON: ", error.what()));
  }
  request.url = absl::StrCat(EndpointIdentity(config.base_url), "/chat/completions");
  request.headers = {{"Content-Type", "application/json"},
                     {"Idempotency-Key", IdempotencyKey(config, query)}};
  if (!config.api_key.empty()) {
    request.headers.push_back({"Authorization", "Bearer " + std::string(config.api_key.Reveal())});
  }
  request.connect_timeout = config.timeouts.connect;
  request.total_timeout = config.timeouts.total;
  request.idle_timeout = config.timeouts.idle;
  request.max_response_bytes = config.max_response_bytes;
  return request;
}

ParseResult OpenAiProvider::ParseResponse(const TeacherConfig& config, const TeacherQuery& query,
                                          const http::Response& response, absl::Time now) const {
  if (response.status_code != 200) {
    return ClassifyError(response, ParseErrorBody(response.body), now);
  }
  ParseResult result = ParseChatCompletion(response, now);
  if (auto* output = std::get_if<cache::SoftOutput>(&result)) {
    output->top_logprobs = query.top_logprobs;
    output->provenance.teacher = config.name;
    output->provenance.provider_kind = std::string(kind());
    output->provenance.request_id = RequestId(response);
    output->provenance.unix_micros = absl::ToUnixMicros(now);
  }
  return result;
}

QuotaHints OpenAiProvider::ParseHints(const http::Response& response, absl::Time now) const {
  return OpenAiHints(response, now);
}

}  // namespace limbeck::gateway
