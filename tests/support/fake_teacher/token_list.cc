#include "tests/support/fake_teacher/token_list.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <utility>

#include "base/hash.h"
#include "base/utf8.h"

namespace limbeck::testing {
namespace {

using nlohmann::json;

constexpr uint64_t kVocabulary = 1u << 30;

json TokenEntry(const Likelihood& token) {
  json bytes = json::array();
  for (const unsigned char c : token.bytes) bytes.push_back(c);
  std::string shown = token.bytes;
  if (token.bytes.size() == 1 && !IsValidUtf8(token.bytes)) {
    char escaped[8];
    std::snprintf(escaped, sizeof(escaped), "\\x%02x", static_cast<unsigned char>(token.bytes[0]));
    shown = escaped;
  }
  return {{"token", shown}, {"bytes", bytes}, {"logprob", LogOf(token)}};
}

}  // namespace

uint32_t TokenId(const std::string& bytes) {
  return static_cast<uint32_t>(Xxh3(bytes) % kVocabulary);
}

std::string ShownToken(const std::string& bytes) {
  return IsValidUtf8(bytes) ? bytes : "\xef\xbf\xbd";
}

double LogOf(const Likelihood& token) { return std::log(token.probability); }

json TokenEntries(const std::vector<Step>& steps, size_t top) {
  json content = json::array();
  for (const Step& step : steps) {
    json entry = TokenEntry(step.said());
    json list = json::array();
    for (size_t i = 0; i < std::min(top, step.distribution.size()); ++i) {
      list.push_back(TokenEntry(step.distribution[i]));
    }
    entry["top_logprobs"] = std::move(list);
    content.push_back(std::move(entry));
  }
  return content;
}

}  // namespace limbeck::testing
