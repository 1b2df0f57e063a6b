#include "tests/support/fake_teacher/shapes/openai_chat.h"

#include <algorithm>
#include <utility>

#include "tests/support/fake_teacher/schema_answer.h"
#include "tests/support/fake_teacher/token_list.h"

namespace limbeck::testing {
namespace {

using nlohmann::json;

constexpr size_t kMaxTopLogprobs = 20;

json Envelope(const Reply& reply, const std::string& id, const char* object) {
  return {{"id", "chatcmpl-" + id},
          {"object", object},
          {"created", 1'700'000'000},
          {"model", reply.model},
          {"system_fingerprint", "fp_fake_1"}};
}

json Logprobs(json entries) { return {{"content", std::move(entries)}, {"refusal", nullptr}}; }

bool ShowsLogprobs(const Question& question, const Reply& reply) {
  return question.logprobs && reply.logprobs && !reply.refused;
}

// One chunk for each token, then one with the finish reason, then one with the usage.
std::vector<json> Chunks(const Question& question, const Reply& reply, const json& envelope,
                         const json& last_choice) {
  const std::vector<std::string> pieces = TextPieces(reply);
  const json entries = TokenEntries(reply.steps, question.top_logprobs);
  std::vector<json> chunks;
  const auto add = [&](json choice) {
    chunks.push_back(envelope);
    chunks.back()["choices"] = json::array({std::move(choice)});
    chunks.back()["usage"] = nullptr;
  };
  for (size_t i = 0; i < pieces.size(); ++i) {
    json delta = {{reply.refused ? "refusal" : "content", pieces[i]}};
    if (i == 0) delta["role"] = "assistant";
    json choice = {{"index", 0}, {"delta", std::move(delta)}, {"finish_reason", nullptr}};
    choice["logprobs"] = ShowsLogprobs(question, reply) && i < entries.size()
                             ? Logprobs(json::array({entries[i]}))
                             : json(nullptr);
    add(std::move(choice));
  }
  json last = last_choice;
  last.erase("message");
  last["delta"] = json::object();
  last["logprobs"] = nullptr;
  add(std::move(last));
  chunks.push_back(envelope);
  chunks.back()["choices"] = json::array();
  chunks.back()["usage"] = OpenAiUsage(reply);
  return chunks;
}

}  // namespace

bool OpenAiChatShape::Serves(std::string_view target) const {
  return target == "/v1/chat/completions";
}

Question ReadChatRequest(const RequestJson& request) {
  Question question;
  question.schema = SchemaOf(request);
  ReadField(request, "model", &question.model);
  for (const RequestJson& message : request.at("messages")) {
    const auto content = message.find("content");
    AddMessage(message.value("role", ""),
               content == message.end() ? std::string() : TextOf(*content), &question);
  }
  for (const char* key : {"max_tokens", "max_completion_tokens"}) {
    ReadField(request, key, &question.max_tokens);
  }
  ReadField(request, "temperature", &question.temperature);
  ReadField(request, "top_logprobs", &question.top_logprobs);
  // Some hosts take a count in place of the flag.
  const auto logprobs = request.find("logprobs");
  if (logprobs != request.end() && logprobs->is_number()) {
    question.top_logprobs = logprobs->get<size_t>();
    question.logprobs = true;
  } else {
    ReadField(request, "logprobs", &question.logprobs);
  }
  question.top_logprobs = std::min(kMaxTopLogprobs, question.top_logprobs);
  ReadField(request, "seed", &question.seed);
  ReadField(request, "stream", &question.stream);
  return question;
}

Question OpenAiChatShape::Read(const HttpRequest& request) const {
  return ReadChatRequest(RequestJson::parse(request.body));
}

WireAnswer OpenAiChatShape::Write(const Question& question, const Reply& reply,
                                  const std::string& id) const {
  json message = {{"role", "assistant"}, {"content", reply.text}, {"refusal", nullptr}};
  if (reply.refused) {
    message["content"] = nullptr;
    message["refusal"] = reply.text;
  }
  json choice = {{"index", 0},
                 {"finish_reason", reply.cut ? "length" : "stop"},
                 {"message", std::move(message)}};
  choice["logprobs"] = ShowsLogprobs(question, reply)
                           ? Logprobs(TokenEntries(reply.steps, question.top_logprobs))
                           : json(nullptr);
  AddToChoice(question, reply, &choice);
  if (question.stream) {
    json envelope = Envelope(reply, id, "chat.completion.chunk");
    AddToAnswer(question, reply, &envelope);
    return SseAnswer(Chunks(question, reply, envelope, choice), /*done=*/true);
  }
  json answer = Envelope(reply, id, "chat.completion");
  answer["choices"] = json::array({std::move(choice)});
  answer["usage"] = OpenAiUsage(reply);
  AddToAnswer(question, reply, &answer);
  return JsonAnswer(200, answer);
}

json OpenAiUsage(const Reply& reply) {
  return {{"prompt_tokens", reply.input_tokens},
          {"completion_tokens", reply.output_tokens},
          {"prompt_tokens_details", {{"cached_tokens", 0}}},
          {"completion_tokens_details", {{"reasoning_tokens", 0}}}};
}

WireAnswer OpenAiChatShape::Error(const WireError& error) const { return OpenAiError(error); }

WireAnswer OpenAiError(const WireError& error) {
  const char* type = "server_error";
  int status = UsualStatus(error);
  switch (error.kind) {
    case WireErrorKind::kRateLimited:
      type = "rate_limit_exceeded";
      break;
    case WireErrorKind::kBilling:
      type = "insufficient_quota";
      // No status of its own: money looks like pace.
      if (error.status == 0) status = 429;
      break;
    case WireErrorKind::kBadKey:
      type = "invalid_api_key";
      break;
    case WireErrorKind::kNotFound:
      type = "not_found_error";
      break;
    case WireErrorKind::kInvalid:
      type = "invalid_request_error";
      break;
    case WireErrorKind::kServer:
      break;
  }
  WireAnswer answer = JsonAnswer(
      status, {{"error",
                {{"message", error.message}, {"type", type}, {"param", nullptr}, {"code", type}}}});
  if (!error.wait.empty()) answer.headers.emplace_back("Retry-After", error.wait);
  return answer;
}

}  // namespace limbeck::testing
