#include "gateway/teachers/anthropic/anthropic_provider.h"

#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "gateway/teachers/canonical.h"
#include "gateway/teachers/rate_headers.h"

namespace limbeck::gateway {
namespace {

using nlohmann::json;

constexpr const char* kVersion = "2023-06-01";
// Above this the provider wants a stream, which we do not read.
constexpr uint32_t kMaxTokens = 21'333;

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
  if (!query.response_schema.empty()) {
    body["output_config"] = {
        {"format", {{"type", "json_schema"}, {"schema", json::parse(query.response_schema)}}}};
  }
  return body;
}

uint64_t CountOf(const json& usage, const char* key) {
  const auto found = usage.find(key);
  return found != usage.end() && found->is_number_unsigned() ? found->get<uint64_t>() : 0;
}

std::string TextOf(const json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : "";
}

cache::FinishReason FinishOf(const std::string& raw) {
  if (raw == "end_turn" || raw == "stop_sequence") return cache::FinishReason::kStop;
  if (raw == "max_tokens" || raw == "model_context_window_exceeded") {
    return cache::FinishReason::kLength;
  }
  if (raw == "refusal") return cache::FinishReason::kRefusal;
  return cache::FinishReason::kUnknown;
}

cache::Usage UsageOf(const json& message) {
  cache::Usage usage;
  const auto found = message.find("usage");
  if (found == message.end() || !found->is_object()) return usage;
  usage.cached_input_tokens = CountOf(*found, "cache_read_input_tokens");
  usage.input_tokens = CountOf(*found, "input_tokens") + usage.cached_input_tokens +
                       CountOf(*found, "cache_creation_input_tokens");
  usage.output_tokens = CountOf(*found, "output_tokens");
  return usage;
}

// The provider flags questions that may build a competing model: an operator has to look at that.
bool IsCompetitionNotice(const json& message) {
  const auto details = message.find("stop_details");
  return details != message.end() && details->is_object() &&
         TextOf(*details, "category") == "frontier_llm";
}

}  // namespace

Capabilities AnthropicProvider::capabilities() const { return {.schema = true}; }

absl::StatusOr<http::Request> AnthropicProvider::BuildRequest(const TeacherConfig& config,
                                                              const TeacherQuery& query) const {
  std::vector<FieldViolation> violations = CheckQuery(config, capabilities(), query);
  if (query.sampling.temperature > 1) {
    violations.push_back({"sampling.temperature", "this provider takes at most 1"});
  }
  if (query.sampling.max_tokens > kMaxTokens) {
    violations.push_back({"sampling.max_tokens", absl::StrCat("at most ", kMaxTokens)});
  }
  LIMBECK_RETURN_IF_ERROR(InvalidFields("query", violations));
  http::Request request;
  try {
    request.body = BodyOf(config, query).dump();
  } catch (const json::exception& error) {
    return absl::InvalidArgumentError(
        absl::StrCat("messages must be UTF-8 and response_schema JSON: ", error.what()));
  }
  request.url = absl::StrCat(EndpointIdentity(config.base_url), "/messages");
  request.headers = {{"Content-Type", "application/json"},
                     {"anthropic-version", kVersion},
                     {"Idempotency-Key", IdempotencyKey(config, query)}};
  if (!config.api_key.empty()) {
    request.headers.push_back({"x-api-key", std::string(config.api_key.Reveal())});
  }
  request.connect_timeout = config.timeouts.connect;
  request.total_timeout = config.timeouts.total;
  request.idle_timeout = config.timeouts.idle;
  request.max_response_bytes = config.max_response_bytes;
  return request;
}

ParseResult AnthropicProvider::ParseResponse(const TeacherConfig& config, const TeacherQuery& query,
                                             const http::Response& response, absl::Time now) const {
  const ErrorBody error = ParseErrorBody(response.body);
  if (response.status_code != 200 || error.present) return ClassifyError(response, error, now);
  // Answers are small texts without logprobs: clarity over speed here.
  const json message = json::parse(response.body, nullptr, false);
  if (!message.is_object()) {
    return Garbled(response, "BAD_JSON", "the answer is not a JSON object");
  }
  const auto content = message.find("content");
  if (content == message.end() || !content->is_array()) {
    return Garbled(response, "NO_CONTENT", "the answer has no content");
  }
  if (IsCompetitionNotice(message)) {
    Failure failure = Garbled(response, "PROVIDER_FLAGGED_USE",
                              "the provider flags this use as building a competing model");
    failure.cls = FailureClass::kStopTeacher;
    return failure;
  }
  cache::SoftOutput output;
  for (const json& part : *content) {
    if (part.is_object() && TextOf(part, "type") == "text") output.text += TextOf(part, "text");
  }
  output.top_logprobs = query.top_logprobs;
  output.raw_finish_reason = TextOf(message, "stop_reason");
  output.finish_reason = FinishOf(output.raw_finish_reason);
  output.usage = UsageOf(message);
  output.provenance.teacher = config.name;
  output.provenance.provider_kind = std::string(kind());
  output.provenance.model = TextOf(message, "model");
  output.provenance.request_id = RequestId(response);
  output.provenance.unix_micros = absl::ToUnixMicros(now);
  return output;
}

QuotaHints AnthropicProvider::ParseHints(const http::Response& response, absl::Time now) const {
  return AnthropicHints(response, now);
}

}  // namespace limbeck::gateway
