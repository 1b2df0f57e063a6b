#include "tests/support/fake_teacher/shapes/anthropic.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "tests/support/fake_teacher/schema_answer.h"

namespace limbeck::testing {
namespace {

using nlohmann::json;

const char* TypeOf(const WireError& error) {
  switch (error.kind) {
    case WireErrorKind::kRateLimited:
      return "rate_limit_error";
    case WireErrorKind::kBilling:
      return "billing_error";
    case WireErrorKind::kBadKey:
      return "authentication_error";
    case WireErrorKind::kNotFound:
      return "not_found_error";
    case WireErrorKind::kInvalid:
      return "invalid_request_error";
    case WireErrorKind::kServer:
      break;
  }
  return error.status == 529 ? "overloaded_error" : "api_error";
}

json Usage(const Reply& reply) {
  return {{"input_tokens", reply.input_tokens},
          {"cache_creation_input_tokens", 0},
          {"cache_read_input_tokens", 0},
          {"output_tokens", reply.output_tokens}};
}

// The answer as events.
std::vector<json> Events(const Reply& reply, const json& message) {
  json start = message;
  start["content"] = json::array();
  start["stop_reason"] = nullptr;
  start["usage"]["output_tokens"] = 1;
  std::vector<json> events;
  events.push_back({{"type", "message_start"}, {"message", std::move(start)}});
  if (!reply.refused) {
    events.push_back({{"type", "content_block_start"},
                      {"index", 0},
                      {"content_block", {{"type", "text"}, {"text", ""}}}});
    events.push_back({{"type", "ping"}});
    for (const std::string& piece : TextPieces(reply)) {
      events.push_back({{"type", "content_block_delta"},
                        {"index", 0},
                        {"delta", {{"type", "text_delta"}, {"text", piece}}}});
    }
    events.push_back({{"type", "content_block_stop"}, {"index", 0}});
  }
  events.push_back(
      {{"type", "message_delta"},
       {"delta", {{"stop_reason", message["stop_reason"]}, {"stop_sequence", nullptr}}},
       {"usage", {{"output_tokens", reply.output_tokens}}}});
  events.push_back({{"type", "message_stop"}});
  return events;
}

}  // namespace

std::string_view AnthropicShape::Credential(const HttpRequest& request) const {
  return request.header("x-api-key");
}

Question AnthropicShape::Read(const HttpRequest& request) const {
  const RequestJson body = RequestJson::parse(request.body);
  Question question;
  question.schema = SchemaOf(body);
  ReadField(body, "model", &question.model);
  if (body.contains("system")) AddMessage("system", TextOf(body["system"]), &question);
  for (const RequestJson& message : body.at("messages")) {
    AddMessage(message.value("role", ""), TextOf(message.at("content")), &question);
  }
  ReadField(body, "max_tokens", &question.max_tokens);
  ReadField(body, "temperature", &question.temperature);
  ReadField(body, "stream", &question.stream);
  return question;
}

WireAnswer AnthropicShape::Write(const Question& question, const Reply& reply,
                                 const std::string& id) const {
  const char* const stop = reply.refused ? "refusal" : reply.cut ? "max_tokens" : "end_turn";
  json message = {{"id", absl::StrCat("msg_", id)},
                  {"type", "message"},
                  {"role", "assistant"},
                  {"model", reply.model},
                  {"content", json::array({{{"type", "text"}, {"text", reply.text}}})},
                  {"stop_reason", stop},
                  {"stop_sequence", nullptr},
                  {"usage", Usage(reply)}};
  if (reply.refused) message["content"] = json::array();
  if (question.stream) return SseAnswer(Events(reply, message), /*done=*/false);
  return JsonAnswer(200, message);
}

WireAnswer AnthropicShape::Error(const WireError& error) const {
  WireAnswer answer = JsonAnswer(UsualStatus(error),
                                 {{"type", "error"},
                                  {"error", {{"type", TypeOf(error)}, {"message", error.message}}},
                                  {"request_id", "req_fake"}});
  if (!error.wait.empty()) answer.headers.emplace_back("retry-after", error.wait);
  return answer;
}

}  // namespace limbeck::testing
