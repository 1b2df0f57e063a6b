#include "tests/support/fake_teacher/shapes/completions.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "tests/support/fake_teacher/shapes/openai_chat.h"
#include "tests/support/fake_teacher/token_list.h"

namespace limbeck::testing {
namespace {

using nlohmann::json;

constexpr size_t kMaxTopLogprobs = 20;

size_t Characters(const std::string& text) {
  return static_cast<size_t>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xc0) != 0x80;
  }));
}

// Parts of a character have no text of their own here.
std::string Shown(const std::string& bytes) {
  const std::string shown = ShownToken(bytes);
  return shown == bytes
             ? shown
             : absl::StrCat("bytes:\\x", absl::Hex(static_cast<unsigned char>(bytes[0])));
}

// The lists of `steps`, whose text begins at character `offset`.
json Logprobs(const Question& question, const std::vector<Step>& steps, size_t offset) {
  json tokens = json::array();
  json chosen = json::array();
  json top = json::array();
  json offsets = json::array();
  const bool echo = !question.scored.empty();
  for (const Step& step : steps) {
    offsets.push_back(offset);
    offset += Characters(step.said().bytes);
    tokens.push_back(Shown(step.said().bytes));
    if (echo && tokens.size() == 1) {
      // Nothing was said before the first one.
      chosen.push_back(nullptr);
      top.push_back(nullptr);
      continue;
    }
    chosen.push_back(LogOf(step.said()));
    json candidates = json::object();
    for (size_t i = 0; i < std::min(question.top_logprobs, step.distribution.size()); ++i) {
      candidates[Shown(step.distribution[i].bytes)] = LogOf(step.distribution[i]);
    }
    // The chosen one is always told, also where it is not among the likeliest.
    candidates[Shown(step.said().bytes)] = LogOf(step.said());
    top.push_back(std::move(candidates));
  }
  return {{"tokens", std::move(tokens)},
          {"token_logprobs", std::move(chosen)},
          {"top_logprobs", std::move(top)},
          {"text_offset", std::move(offsets)}};
}

json Choice(const std::string& text, json logprobs, json finish) {
  return {{"text", text},
          {"index", 0},
          {"logprobs", std::move(logprobs)},
          {"finish_reason", std::move(finish)}};
}

}  // namespace

Question CompletionsShape::Read(const HttpRequest& request) const {
  const RequestJson body = RequestJson::parse(request.body);
  Question question;
  ReadField(body, "model", &question.model);
  const std::string prompt = body.at("prompt").get<std::string>();
  ReadFlatPrompt(prompt, &question);
  ReadField(body, "max_tokens", &question.max_tokens);
  ReadField(body, "temperature", &question.temperature);
  ReadField(body, "seed", &question.seed);
  ReadField(body, "stream", &question.stream);
  const auto logprobs = body.find("logprobs");
  question.logprobs = logprobs != body.end() && !logprobs->is_null();
  if (question.logprobs) {
    question.top_logprobs = std::min(kMaxTopLogprobs, logprobs->get<size_t>());
  }
  if (body.value("echo", false)) question.scored = prompt;
  return question;
}

WireAnswer CompletionsShape::Write(const Question& question, const Reply& reply,
                                   const std::string& id) const {
  const json envelope = {{"id", absl::StrCat("cmpl-", id)},
                         {"object", "text_completion"},
                         {"created", 1'700'000'000},
                         {"model", reply.model}};
  const bool shown = question.logprobs && reply.logprobs && !reply.refused;
  const char* const finish = reply.cut ? "length" : "stop";
  const size_t offset = question.scored.empty() ? Characters(question.prompt) : 0;
  if (!question.stream) {
    json answer = envelope;
    answer["choices"] = json::array({Choice(
        reply.text, shown ? Logprobs(question, reply.steps, offset) : json(nullptr), finish)});
    answer["usage"] = OpenAiUsage(reply);
    return JsonAnswer(200, answer);
  }
  std::vector<json> chunks;
  const std::vector<std::string> pieces = TextPieces(reply);
  for (size_t i = 0; i < pieces.size(); ++i) {
    const bool listed = shown && i < reply.steps.size();
    const bool last = i + 1 == pieces.size();
    chunks.push_back(envelope);
    chunks.back()["choices"] = json::array(
        {Choice(pieces[i], listed ? Logprobs(question, {reply.steps[i]}, offset) : json(nullptr),
                last ? json(finish) : json(nullptr))});
  }
  chunks.push_back(envelope);
  chunks.back()["choices"] = json::array();
  chunks.back()["usage"] = OpenAiUsage(reply);
  return SseAnswer(chunks, /*done=*/true);
}

WireAnswer CompletionsShape::Error(const WireError& error) const { return OpenAiError(error); }

}  // namespace limbeck::testing
