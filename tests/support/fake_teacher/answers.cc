#include "tests/support/fake_teacher/answers.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/hash.h"
#include "base/string_view.h"
#include "tests/support/fake_teacher/schema_answer.h"

namespace limbeck::testing {
namespace {

using nlohmann::json;

constexpr size_t kMaxTopLogprobs = 20;
constexpr const char* kRefusalText = "I'm sorry, but I can't help with that.";
constexpr const char* kGarbageText = "%%% lorem ipsum %%%";

struct Question {
  std::string model;
  std::string prompt;     // Everything said, for finding labels.
  std::string last_user;  // What is judged.
  size_t max_tokens = 256;
  double temperature = 1;
  bool logprobs = false;
  size_t top_logprobs = 0;
  uint64_t seed = 0;
  nlohmann::ordered_json schema;  // Null where free text is wanted.
};

struct Step {
  std::vector<Likelihood> distribution;
  size_t chosen = 0;
};

struct Reply {
  std::vector<Step> steps;
  std::string text;
  bool cut = false;  // By max_tokens.
};

std::string ContentText(const json& content) {
  if (content.is_string()) return content.get<std::string>();
  std::string text;
  if (content.is_array()) {
    for (const json& part : content) text += part.value("text", "");
  }
  return text;
}

Question ReadQuestion(std::string_view body) {
  const json request = json::parse(body);
  Question question;
  // Keeps the order of its properties.
  question.schema = SchemaOf(nlohmann::ordered_json::parse(body));
  question.model = request.value("model", "fake");
  if (request.contains("system")) question.prompt = ContentText(request["system"]) + "\n";
  for (const json& message : request.at("messages")) {
    const std::string text =
        message.contains("content") ? ContentText(message["content"]) : std::string();
    question.prompt += text + "\n";
    if (message.value("role", "") == "user") question.last_user = text;
  }
  for (const char* key : {"max_tokens", "max_completion_tokens"}) {
    if (request.contains(key)) question.max_tokens = request[key].get<size_t>();
  }
  question.temperature = request.value("temperature", 1.0);
  question.logprobs = request.value("logprobs", false);
  question.top_logprobs = std::min(kMaxTopLogprobs, request.value("top_logprobs", size_t{0}));
  question.seed = request.value("seed", uint64_t{0});
  return question;
}

Reply Compose(const Script& script, const Question& question, uint64_t draw_seed) {
  Reply reply;
  StableRandom random(draw_seed, question.seed);
  std::vector<std::string> labels = script.language.labels;
  if (!question.schema.is_null()) labels = LabelsOf(question.schema);
  if (labels.empty()) labels = FindLabels(question.prompt);
  if (!labels.empty()) {
    Step step{LabelDistribution(script.language, labels, question.last_user), 0};
    step.chosen = Draw(step.distribution, question.temperature, random.Uniform());
    reply.text = step.distribution[step.chosen].bytes;
    if (!question.schema.is_null()) {
      // Held to its schema, a model cannot say anything else.
      while (step.chosen > 0 && reply.text.starts_with("filler")) {
        reply.text = step.distribution[--step.chosen].bytes;
      }
      reply.text = SchemaAnswer(question.schema, reply.text, step.distribution);
    }
    reply.steps.push_back(std::move(step));
    return reply;
  }
  std::string previous;
  for (size_t position = 0; position < question.max_tokens; ++position) {
    Step step{NextToken(question.prompt, previous, position), 0};
    step.chosen = Draw(step.distribution, question.temperature, random.Uniform());
    previous = step.distribution[step.chosen].bytes;
    reply.steps.push_back(std::move(step));
    if (previous.empty()) return reply;
    reply.text += previous;
  }
  reply.cut = true;
  // A text cut inside a character has no such tail in real answers either.
  while (!reply.text.empty() && static_cast<unsigned char>(reply.text.back()) == 0xc3) {
    reply.text.pop_back();
  }
  return reply;
}

json TokenJson(const Likelihood& token) {
  json bytes = json::array();
  bool ascii = true;
  for (unsigned char c : token.bytes) {
    bytes.push_back(c);
    ascii = ascii && c < 0x80;
  }
  std::string shown = token.bytes;
  if (!ascii && token.bytes.size() == 1) {
    char escaped[8];
    std::snprintf(escaped, sizeof(escaped), "\\x%02x", static_cast<unsigned char>(token.bytes[0]));
    shown = escaped;
  }
  return {{"token", shown}, {"bytes", bytes}, {"logprob", std::log(token.probability)}};
}

json LogprobsJson(const Reply& reply, size_t top) {
  json content = json::array();
  for (const Step& step : reply.steps) {
    json entry = TokenJson(step.distribution[step.chosen]);
    json list = json::array();
    for (size_t i = 0; i < std::min(top, step.distribution.size()); ++i) {
      list.push_back(TokenJson(step.distribution[i]));
    }
    entry["top_logprobs"] = std::move(list);
    content.push_back(std::move(entry));
  }
  return {{"content", std::move(content)}, {"refusal", nullptr}};
}

json OpenAiBody(const Question& question, FaultKind fault, const Reply& reply,
                std::string_view id) {
  json message = {{"role", "assistant"}, {"content", reply.text}, {"refusal", nullptr}};
  json choice = {{"index", 0}, {"finish_reason", reply.cut ? "length" : "stop"}};
  choice["logprobs"] = question.logprobs && fault != FaultKind::kMissingLogprobs
                           ? LogprobsJson(reply, question.top_logprobs)
                           : json(nullptr);
  if (fault == FaultKind::kRefusal) {
    message["content"] = nullptr;
    message["refusal"] = kRefusalText;
    choice["logprobs"] = nullptr;
  } else if (fault == FaultKind::kGarbage) {
    message["content"] = kGarbageText;
    choice["logprobs"] = nullptr;
  }
  choice["message"] = std::move(message);
  const size_t prompt_tokens = question.prompt.size() / 4 + 8;
  const size_t completion_tokens = reply.steps.size();
  return {{"id", absl::StrCat("chatcmpl-", ToAbsl(id))},
          {"object", "chat.completion"},
          {"created", 1'700'000'000},
          {"model", question.model},
          {"system_fingerprint", "fp_fake_1"},
          {"choices", json::array({std::move(choice)})},
          {"usage",
           {{"prompt_tokens", prompt_tokens},
            {"completion_tokens", completion_tokens},
            {"total_tokens", prompt_tokens + completion_tokens},
            {"prompt_tokens_details", {{"cached_tokens", 0}}},
            {"completion_tokens_details", {{"reasoning_tokens", 0}}}}}};
}

json AnthropicBody(const Question& question, FaultKind fault, const Reply& reply,
                   std::string_view id) {
  json body = {{"id", absl::StrCat("msg_", ToAbsl(id))},
               {"type", "message"},
               {"role", "assistant"},
               {"model", question.model},
               {"stop_reason", reply.cut ? "max_tokens" : "end_turn"},
               {"stop_sequence", nullptr},
               {"usage",
                {{"input_tokens", question.prompt.size() / 4 + 8},
                 {"cache_creation_input_tokens", 0},
                 {"cache_read_input_tokens", 0},
                 {"output_tokens", reply.steps.size()}}}};
  std::string text = reply.text;
  if (fault == FaultKind::kGarbage) text = kGarbageText;
  body["content"] = json::array({{{"type", "text"}, {"text", text}}});
  if (fault == FaultKind::kRefusal) {
    body["stop_reason"] = "refusal";
    body["content"] = json::array();
  }
  return body;
}

}  // namespace

std::string ErrorBody(TeacherMode mode, int status, std::string_view type,
                      std::string_view message) {
  json error = {{"type", type}, {"message", message}};
  if (mode == TeacherMode::kAnthropic) {
    return json{{"type", "error"}, {"error", std::move(error)}, {"request_id", "req_fake"}}.dump();
  }
  error["param"] = nullptr;
  error["code"] = type;
  return json{{"error", std::move(error)}}.dump();
}

TeacherAnswer AnswerQuery(TeacherMode mode, const Script& script, FaultKind fault,
                          std::string_view body, std::string_view sample) {
  if (fault == FaultKind::kMalformedJson) return {200, "<html>upstream says hello</html>"};
  if (fault == FaultKind::kErrorIn200) {
    return {200, ErrorBody(mode, 500, "server_error", "scripted error inside a 200")};
  }
  try {
    const Question question = ReadQuestion(body);
    const std::string id = Sha256Hex(body).substr(0, 24);
    const Reply reply = Compose(script, question, Xxh3(sample, Xxh3(body, script.seed)));
    const json answer = mode == TeacherMode::kOpenAi ? OpenAiBody(question, fault, reply, id)
                                                     : AnthropicBody(question, fault, reply, id);
    std::string text = answer.dump(-1, ' ', false, json::error_handler_t::replace);
    if (fault == FaultKind::kTruncatedJson) text.resize(text.size() / 2);
    return {200, std::move(text)};
  } catch (const json::exception& error) {
    return {400, ErrorBody(mode, 400, "invalid_request_error", error.what())};
  }
}

}  // namespace limbeck::testing
