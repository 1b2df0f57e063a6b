#include "tests/support/fake_teacher/shapes/llamacpp.h"

#include <utility>

#include "tests/support/fake_teacher/schema_answer.h"
#include "tests/support/fake_teacher/token_list.h"

namespace limbeck::testing {
namespace {

using nlohmann::json;

// The strings of a grammar that is nothing but alternatives: root ::= "yes" | "no".
std::vector<std::string> GrammarChoices(const std::string& grammar) {
  std::vector<std::string> choices;
  for (size_t i = 0; i < grammar.size(); ++i) {
    if (grammar[i] != '"') continue;
    std::string choice;
    for (++i; i < grammar.size() && grammar[i] != '"'; ++i) {
      if (grammar[i] == '\\' && i + 1 < grammar.size()) ++i;
      choice.push_back(grammar[i]);
    }
    choices.push_back(std::move(choice));
  }
  return choices;
}

// With the ids that this server adds.
json Probabilities(const std::vector<Step>& steps, size_t top) {
  json list = TokenEntries(steps, top);
  for (size_t i = 0; i < steps.size(); ++i) {
    list[i]["id"] = TokenId(steps[i].said().bytes);
    for (size_t j = 0; j < list[i]["top_logprobs"].size(); ++j) {
      list[i]["top_logprobs"][j]["id"] = TokenId(steps[i].distribution[j].bytes);
    }
  }
  return list;
}

json End(const Reply& reply) {
  return {{"index", 0},
          {"content", ""},
          {"tokens", json::array()},
          {"stop", true},
          {"model", reply.model},
          {"tokens_predicted", reply.output_tokens},
          {"tokens_evaluated", reply.input_tokens},
          {"stop_type", reply.cut ? "limit" : "eos"},
          {"stopping_word", ""}};
}

}  // namespace

Question LlamaCppShape::Read(const HttpRequest& request) const {
  const RequestJson body = RequestJson::parse(request.body);
  Question question;
  question.schema = SchemaOf(body);
  ReadField(body, "model", &question.model);
  ReadFlatPrompt(body.at("prompt").get<std::string>(), &question);
  ReadField(body, "n_predict", &question.max_tokens);
  ReadField(body, "temperature", &question.temperature);
  ReadField(body, "n_probs", &question.top_logprobs);
  question.logprobs = question.top_logprobs > 0;
  ReadField(body, "seed", &question.seed);
  ReadField(body, "stream", &question.stream);
  question.choices = GrammarChoices(body.value("grammar", ""));
  return question;
}

WireAnswer LlamaCppShape::Write(const Question& question, const Reply& reply,
                                const std::string& /*id*/) const {
  const bool shown = question.logprobs && reply.logprobs && !reply.refused;
  const json probabilities =
      shown ? Probabilities(reply.steps, question.top_logprobs) : json::array();
  json end = End(reply);
  if (!question.stream) {
    end["content"] = reply.text;
    if (shown) end["completion_probabilities"] = probabilities;
    return JsonAnswer(200, end);
  }
  std::vector<json> events;
  const std::vector<std::string> pieces = TextPieces(reply);
  for (size_t i = 0; i < pieces.size(); ++i) {
    json event = {{"index", 0}, {"content", pieces[i]}, {"stop", false}};
    if (i < probabilities.size()) {
      event["completion_probabilities"] = json::array({probabilities[i]});
    }
    events.push_back(std::move(event));
  }
  events.push_back(std::move(end));
  return SseAnswer(events, /*done=*/false);
}

WireAnswer LlamaCppShape::Error(const WireError& error) const {
  const int status = UsualStatus(error);
  const char* type = "server_error";
  if (error.kind == WireErrorKind::kBadKey) type = "authentication_error";
  if (error.kind == WireErrorKind::kNotFound) type = "not_found_error";
  if (error.kind == WireErrorKind::kInvalid) type = "invalid_request_error";
  if (status == 503) type = "unavailable_error";
  WireAnswer answer = JsonAnswer(
      status, {{"error", {{"code", status}, {"message", error.message}, {"type", type}}}});
  // Of a proxy in front of it: the server itself names no wait.
  if (!error.wait.empty()) answer.headers.emplace_back("Retry-After", error.wait);
  return answer;
}

}  // namespace limbeck::testing
