#include "tests/support/fake_teacher/shapes/ollama.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "tests/support/fake_teacher/schema_answer.h"
#include "tests/support/fake_teacher/token_list.h"

namespace limbeck::testing {
namespace {

using nlohmann::json;

json Line(const Reply& reply, const std::string& text, bool done) {
  json line = {{"model", reply.model},
               {"created_at", "2026-01-01T00:00:00Z"},
               {"message", {{"role", "assistant"}, {"content", text}}},
               {"done", done}};
  if (!done) return line;
  line["done_reason"] = reply.cut ? "length" : "stop";
  line["prompt_eval_count"] = reply.input_tokens;
  line["eval_count"] = reply.output_tokens;
  return line;
}

}  // namespace

Question OllamaShape::Read(const HttpRequest& request) const {
  const RequestJson body = RequestJson::parse(request.body);
  Question question;
  question.schema = SchemaOf(body);
  ReadField(body, "model", &question.model);
  for (const RequestJson& message : body.at("messages")) {
    AddMessage(message.value("role", ""), TextOf(message.at("content")), &question);
  }
  question.stream = true;  // Unless told otherwise.
  ReadField(body, "stream", &question.stream);
  ReadField(body, "logprobs", &question.logprobs);
  ReadField(body, "top_logprobs", &question.top_logprobs);
  const RequestJson options = body.value("options", RequestJson::object());
  ReadField(options, "num_predict", &question.max_tokens);
  ReadField(options, "temperature", &question.temperature);
  ReadField(options, "seed", &question.seed);
  return question;
}

WireAnswer OllamaShape::Write(const Question& question, const Reply& reply,
                              const std::string& /*id*/) const {
  const bool shown = question.logprobs && reply.logprobs && !reply.refused;
  const json entries = shown ? TokenEntries(reply.steps, question.top_logprobs) : json::array();
  if (!question.stream) {
    json line = Line(reply, reply.text, true);
    if (shown) line["logprobs"] = entries;
    return JsonAnswer(200, line);
  }
  WireAnswer answer{200, {{"Content-Type", "application/x-ndjson"}}, ""};
  const std::vector<std::string> pieces = TextPieces(reply);
  for (size_t i = 0; i < pieces.size(); ++i) {
    json line = Line(reply, pieces[i], false);
    if (i < entries.size()) line["logprobs"] = json::array({entries[i]});
    absl::StrAppend(&answer.body, line.dump(), "\n");
  }
  absl::StrAppend(&answer.body, Line(reply, "", true).dump(), "\n");
  return answer;
}

WireAnswer OllamaShape::Error(const WireError& error) const {
  WireAnswer answer = JsonAnswer(UsualStatus(error), {{"error", error.message}});
  // Of a proxy in front of it: the server itself names no wait.
  if (!error.wait.empty()) answer.headers.emplace_back("Retry-After", error.wait);
  return answer;
}

}  // namespace limbeck::testing
