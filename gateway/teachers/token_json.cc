#include "gateway/teachers/token_json.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "gateway/teachers/json_fields.h"
#include "gateway/teachers/openai/token_rules.h"
#include "gateway/teachers/token_entry.h"

namespace limbeck::gateway {
namespace {

using nlohmann::json;

void ReadBytes(const json& list, TokenEntry* entry) {
  if (!list.is_array()) return;  // null: none given.
  std::string bytes;
  for (const json& element : list) {
    // UTF-16 units, written by some gateways, are above 255.
    const bool is_byte = element.is_number_unsigned() && element.get<uint64_t>() <= 255;
    if (!is_byte) {
      entry->lossy = true;
      return;
    }
    bytes.push_back(static_cast<char>(element.get<uint64_t>()));
  }
  entry->bytes = std::move(bytes);
  entry->has_bytes = true;
}

TokenEntry ReadEntry(const json& object) {
  TokenEntry entry;
  entry.shown = TextField(object, "token");
  ReadBytes(Child(object, "bytes"), &entry);
  const json& id = Child(object, "id");
  if (id.is_number_unsigned() && id.get<uint64_t>() <= std::numeric_limits<uint32_t>::max()) {
    entry.id = id.get<uint32_t>();
  }
  const std::optional<double> logprob = NumberField(object, "logprob");
  if (logprob.has_value()) entry.logprob = CleanLogprob(*logprob);
  SettleIdentity(&entry);
  return entry;
}

}  // namespace

void AppendTokens(const json& list, std::vector<cache::Token>* tokens) {
  if (!list.is_array()) return;
  for (const json& object : list) {
    std::vector<TokenEntry> alternatives;
    const json& top = Child(object, "top_logprobs");
    if (top.is_array()) {
      for (const json& element : top) alternatives.push_back(ReadEntry(element));
    }
    tokens->push_back(MakeToken(ReadEntry(object), std::move(alternatives)));
  }
}

bool HasPostSamplingProbs(const json& list) {
  return list.is_array() && std::any_of(list.begin(), list.end(), [](const json& entry) {
           return entry.is_object() && (entry.contains("prob") || entry.contains("top_probs"));
         });
}

}  // namespace limbeck::gateway
