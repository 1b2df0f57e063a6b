#include "tests/bench/static_answer.h"

#include <cmath>
#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "base/hash.h"

namespace limbeck::bench {
namespace {

using json = nlohmann::ordered_json;  // Fields in the order that providers send.

json TokenJson(const std::string& text, double logprob) {
  json bytes = json::array();
  for (const unsigned char c : text) bytes.push_back(c);
  return {{"token", text}, {"logprob", logprob}, {"bytes", std::move(bytes)}};
}

std::string Word(StableRandom& random) {
  std::string word = " ";
  for (uint64_t i = 0, size = 3 + random.Below(6); i < size; ++i) {
    word.push_back(static_cast<char>('a' + random.Below(26)));
  }
  return word;
}

}  // namespace

std::string ChatAnswer(size_t tokens, size_t top, const std::vector<std::string>& labels) {
  StableRandom random(7, tokens);
  json content = json::array();
  std::string text;
  for (size_t position = 0; position < tokens; ++position) {
    json candidates = json::array();
    double logprob = -0.05 - 0.2 * random.Uniform();
    for (size_t rank = 0; rank < top; ++rank) {
      const bool label = position == 0 && rank < labels.size();
      candidates.push_back(TokenJson(label ? labels[rank] : Word(random), logprob));
      logprob -= 0.1 + random.Uniform();
    }
    json token = candidates[0];
    text += token["token"].get<std::string>();
    token["top_logprobs"] = std::move(candidates);
    content.push_back(std::move(token));
  }
  const json answer = {
      {"id", "chatcmpl-benchmark"},
      {"object", "chat.completion"},
      {"created", 1'700'000'000},
      {"model", "static-model"},
      {"system_fingerprint", "fp_static"},
      {"choices",
       json::array({{{"index", 0},
                     {"finish_reason", "length"},
                     {"message", {{"role", "assistant"}, {"content", text}, {"refusal", nullptr}}},
                     {"logprobs", {{"content", std::move(content)}, {"refusal", nullptr}}}}})},
      {"usage",
       {{"prompt_tokens", 60}, {"completion_tokens", tokens}, {"total_tokens", 60 + tokens}}}};
  return answer.dump();
}

}  // namespace limbeck::bench
