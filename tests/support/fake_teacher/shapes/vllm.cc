#include "tests/support/fake_teacher/shapes/vllm.h"

#include <algorithm>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "tests/support/fake_teacher/token_list.h"

namespace limbeck::testing {
namespace {

using nlohmann::json;

json Ids(const std::vector<Step>& steps) {
  json ids = json::array();
  for (const Step& step : steps) ids.push_back(TokenId(step.said().bytes));
  return ids;
}

json PromptEntry(const Likelihood& token, size_t rank) {
  return {{"logprob", LogOf(token)}, {"rank", rank}, {"decoded_token", ShownToken(token.bytes)}};
}

// Nothing was said before the first token, whose entry is null.
json PromptLogprobs(const std::vector<Step>& steps, size_t top) {
  json list = json::array();
  for (const Step& step : steps) {
    if (list.empty()) {
      list.push_back(nullptr);
      continue;
    }
    json entries = json::object();
    for (size_t i = 0; i < std::min(top, step.distribution.size()); ++i) {
      const Likelihood& token = step.distribution[i];
      entries[absl::StrCat(TokenId(token.bytes))] = PromptEntry(token, i + 1);
    }
    entries[absl::StrCat(TokenId(step.said().bytes))] = PromptEntry(step.said(), step.chosen + 1);
    list.push_back(std::move(entries));
  }
  return list;
}

}  // namespace

// Texts to be scored come as the end of an unfinished last message.
Question VllmShape::Read(const HttpRequest& request) const {
  const RequestJson body = RequestJson::parse(request.body);
  Question question = ReadChatRequest(body);
  const auto outputs = body.find("structured_outputs");
  if (outputs != body.end()) ReadField(*outputs, "choice", &question.choices);
  if (!body.value("continue_final_message", false) || !body.contains("prompt_logprobs")) {
    return question;
  }
  const RequestJson& messages = body["messages"];
  for (size_t i = 0; i < messages.size(); ++i) {
    const std::string text = TextOf(messages[i].at("content"));
    if (i + 1 == messages.size()) {
      question.scored = text;
    } else {
      absl::StrAppend(&question.before_scored, i == 0 ? "" : "\n\n", text);
    }
  }
  question.top_logprobs = body["prompt_logprobs"].get<size_t>();
  return question;
}

void VllmShape::AddToChoice(const Question&, const Reply& reply, json* choice) const {
  (*choice)["stop_reason"] = nullptr;
  (*choice)["token_ids"] = Ids(reply.steps);
}

void VllmShape::AddToAnswer(const Question& question, const Reply& reply, json* answer) const {
  if (question.scored.empty()) return;
  std::vector<Step> steps = reply.steps;
  steps.insert(steps.begin(), Step{{{"<|im_start|>", 1.0}}, 0});
  (*answer)["prompt_logprobs"] = PromptLogprobs(steps, question.top_logprobs);
  (*answer)["prompt_token_ids"] = Ids(steps);
}

WireAnswer VllmShape::Error(const WireError& error) const {
  const int status = UsualStatus(error);
  const char* const type = status >= 500 ? "InternalServerError" : "BadRequestError";
  WireAnswer answer = JsonAnswer(status, {{"object", "error"},
                                          {"message", error.message},
                                          {"type", type},
                                          {"param", nullptr},
                                          {"code", status}});
  // Of a proxy in front of it: the server itself names no wait.
  if (!error.wait.empty()) answer.headers.emplace_back("Retry-After", error.wait);
  return answer;
}

}  // namespace limbeck::testing
