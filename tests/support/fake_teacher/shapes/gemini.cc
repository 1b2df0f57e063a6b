#include "tests/support/fake_teacher/shapes/gemini.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "tests/support/fake_teacher/schema_answer.h"
#include "tests/support/fake_teacher/token_list.h"

namespace limbeck::testing {
namespace {

using nlohmann::json;

constexpr std::string_view kWhole = ":generateContent";
constexpr std::string_view kStream = ":streamGenerateContent?alt=sse";
constexpr std::string_view kModels = "/models/";

std::string Parts(const RequestJson& content) { return TextOf(content.at("parts")); }

void ReadConfig(const RequestJson& config, Question* question) {
  ReadField(config, "maxOutputTokens", &question->max_tokens);
  ReadField(config, "temperature", &question->temperature);
  ReadField(config, "seed", &question->seed);
  ReadField(config, "responseLogprobs", &question->logprobs);
  ReadField(config, "logprobs", &question->top_logprobs);
  if (config.value("responseMimeType", "") == "text/x.enum") {
    question->choices = config.at("responseSchema").at("enum").get<std::vector<std::string>>();
  }
}

json Candidate(const Likelihood& token) {
  return {{"token", ShownToken(token.bytes)},
          {"tokenId", TokenId(token.bytes)},
          {"logProbability", LogOf(token)}};
}

json LogprobsResult(const std::vector<Step>& steps, size_t top) {
  json chosen = json::array();
  json lists = json::array();
  for (const Step& step : steps) {
    chosen.push_back(Candidate(step.said()));
    json list = json::array();
    for (size_t i = 0; i < std::min(top, step.distribution.size()); ++i) {
      list.push_back(Candidate(step.distribution[i]));
    }
    lists.push_back({{"candidates", std::move(list)}});
  }
  return {{"chosenCandidates", std::move(chosen)}, {"topCandidates", std::move(lists)}};
}

json Usage(const Reply& reply) {
  return {{"promptTokenCount", reply.input_tokens},
          {"candidatesTokenCount", reply.output_tokens},
          {"thoughtsTokenCount", 0},
          {"cachedContentTokenCount", 0}};
}

// One answer, or one chunk of a stream: `text`, and the logprobs of `steps`.
json Chunk(const Question& question, const Reply& reply, const std::string& id,
           const std::string& text, const std::vector<Step>& steps, bool last) {
  json candidate = {{"index", 0},
                    {"content", {{"role", "model"}, {"parts", json::array({{{"text", text}}})}}}};
  if (last) candidate["finishReason"] = reply.cut ? "MAX_TOKENS" : "STOP";
  if (question.logprobs && reply.logprobs) {
    candidate["logprobsResult"] = LogprobsResult(steps, question.top_logprobs);
  }
  return {{"candidates", json::array({std::move(candidate)})},
          {"usageMetadata", Usage(reply)},
          {"modelVersion", reply.model},
          {"responseId", id}};
}

const char* StatusName(const WireError& error) {
  switch (error.kind) {
    case WireErrorKind::kRateLimited:
      return "RESOURCE_EXHAUSTED";
    case WireErrorKind::kBilling:
      return "FAILED_PRECONDITION";
    case WireErrorKind::kBadKey:
      return "INVALID_ARGUMENT";
    case WireErrorKind::kNotFound:
      return "NOT_FOUND";
    case WireErrorKind::kInvalid:
      return "INVALID_ARGUMENT";
    case WireErrorKind::kServer:
      break;
  }
  return error.status == 503 ? "UNAVAILABLE" : "INTERNAL";
}

}  // namespace

bool GeminiShape::Serves(std::string_view target) const {
  if (!target.starts_with(base_path_)) return false;
  target.remove_prefix(base_path_.size());
  return target.starts_with(kModels) && (target.ends_with(kWhole) || target.ends_with(kStream));
}

std::string_view GeminiShape::Credential(const HttpRequest& request) const {
  return kind_ == "vertex" ? Shape::Credential(request) : request.header("x-goog-api-key");
}

Question GeminiShape::Read(const HttpRequest& request) const {
  const RequestJson body = RequestJson::parse(request.body);
  Question question;
  const RequestJson config = body.value("generationConfig", RequestJson::object());
  ReadConfig(config, &question);
  if (question.choices.empty()) question.schema = SchemaOf(body);
  if (body.contains("systemInstruction")) {
    AddMessage("system", Parts(body["systemInstruction"]), &question);
  }
  for (const RequestJson& content : body.at("contents")) {
    AddMessage(content.value("role", "user"), Parts(content), &question);
  }
  const std::string& target = request.target;
  const size_t model = target.find(kModels) + kModels.size();
  question.model = target.substr(model, target.find(':', model) - model);
  question.stream = target.ends_with(kStream);
  return question;
}

WireAnswer GeminiShape::Write(const Question& question, const Reply& reply,
                              const std::string& id) const {
  if (reply.refused) {
    return JsonAnswer(200, {{"promptFeedback", {{"blockReason", "PROHIBITED_CONTENT"}}},
                            {"usageMetadata", Usage(reply)},
                            {"modelVersion", reply.model}});
  }
  if (!question.stream) {
    return JsonAnswer(200, Chunk(question, reply, id, reply.text, reply.steps, true));
  }
  std::vector<json> chunks;
  const std::vector<std::string> pieces = TextPieces(reply);
  for (size_t i = 0; i < pieces.size(); ++i) {
    std::vector<Step> step;
    if (i < reply.steps.size()) step.push_back(reply.steps[i]);
    chunks.push_back(Chunk(question, reply, id, pieces[i], step, i + 1 == pieces.size()));
  }
  return SseAnswer(chunks, /*done=*/false);
}

WireAnswer GeminiShape::Error(const WireError& error) const {
  const bool developer_key = error.kind == WireErrorKind::kBadKey && kind_ == "gemini";
  const int status = developer_key && error.status == 0 ? 400 : UsualStatus(error);
  json details = json::array();
  if (developer_key) {
    details.push_back({{"@type", "type.googleapis.com/google.rpc.ErrorInfo"},
                       {"reason", "API_KEY_INVALID"},
                       {"domain", "googleapis.com"}});
  }
  if (!error.wait.empty()) {
    details.push_back({{"@type", "type.googleapis.com/google.rpc.RetryInfo"},
                       {"retryDelay", absl::StrCat(error.wait, "s")}});
  }
  return JsonAnswer(status, {{"error",
                              {{"code", status},
                               {"message", error.message},
                               {"status", StatusName(error)},
                               {"details", std::move(details)}}}});
}

}  // namespace limbeck::testing
