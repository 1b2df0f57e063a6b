#include "gateway/teachers/openai/parse_token.h"

#include <cmath>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "gateway/teachers/openai/byte_list.h"
#include "gateway/teachers/openai/json_fields.h"
#include "gateway/teachers/openai/token_rules.h"

namespace limbeck::gateway {
namespace {

using simdjson::error_code;
namespace ondemand = simdjson::ondemand;

struct Entry {
  // In the document or in the parser's buffer, which keep it until the next document.
  std::string_view shown;
  std::string bytes;
  bool has_bytes = false;
  bool lossy = false;
  std::optional<uint32_t> id;
  std::optional<float> logprob;
};

error_code ReadBytes(ondemand::value& value, Entry* entry) {
  if (!HasType(value, ondemand::json_type::array)) return simdjson::SUCCESS;  // null: none given.
  ondemand::array list;
  if (error_code error = value.get_array().get(list)) return error;
  std::string_view text;
  if (error_code error = list.raw_json().get(text)) return error;
  bool usable = false;
  if (error_code error = ReadByteList(text, &entry->bytes, &usable)) return error;
  entry->has_bytes = usable;
  entry->lossy =
      entry->lossy || !usable || entry->bytes.find(kReplacementCharacter) != std::string::npos;
  return simdjson::SUCCESS;
}

// Settles identity once all fields were seen.
void Finish(Entry* entry) {
  // Where vLLM writes ids for texts, the bytes of candidates spell that text.
  const bool id_text = IsTokenIdText(entry->shown);
  if (entry->has_bytes && !id_text) return;
  TokenIdentity shown = IdentityOf(entry->shown);
  if (!entry->id.has_value()) entry->id = shown.id;
  if (entry->has_bytes && entry->bytes != entry->shown) return;
  entry->bytes = std::move(shown.bytes);
  entry->lossy = entry->lossy || shown.lossy;
}

// Unescaping copies a string and is a call for each of an entry's; hardly any has an escape.
error_code ReadShown(ondemand::value& value, Entry* entry) {
  const std::string_view token = value.raw_json_token();
  if (token.starts_with('"') && token.find('\\') == token.npos) {
    entry->shown = token.substr(1, token.rfind('"') - 1);
    return simdjson::SUCCESS;
  }
  // A string that holds a lone surrogate cannot be shown; its bytes, if any, still count.
  if (value.get_string().get(entry->shown) != simdjson::SUCCESS) {
    entry->shown = {};
    entry->lossy = true;
  }
  return simdjson::SUCCESS;
}

// `list`, when given, receives the value of "top_logprobs" while the cursor is on it.
template <typename OnList>
error_code ReadEntry(ondemand::object object, Entry* entry, OnList on_list) {
  for (auto field : object) {
    // Taken out of its result once; every copy of a cursor waits for the one before.
    ondemand::field member;
    if (error_code error = std::move(field).get(member)) return error;
    std::string_view key;
    if (error_code error = ReadKey(member, &key)) return error;
    ondemand::value& value = member.value();
    std::optional<double> number;
    error_code error = simdjson::SUCCESS;
    if (key == "token") {
      error = ReadShown(value, entry);
    } else if (key == "bytes") {
      error = ReadBytes(value, entry);
    } else if (key == "logprob") {
      error = ReadNumber(value, &number);
      if (number.has_value()) entry->logprob = CleanLogprob(*number);
    } else if (key == "prob") {
      error = ReadNumber(value, &number);
      if (number.has_value() && *number > 0) entry->logprob = CleanLogprob(std::log(*number));
    } else if (key == "id" || key == "token_id") {
      error = ReadTokenId(value, &entry->id);
    } else if (key == "top_logprobs" || key == "top_probs") {
      error = on_list(value);
    }
    if (error) return error;
  }
  Finish(entry);
  return simdjson::SUCCESS;
}

error_code ReadCandidates(ondemand::value value, std::vector<cache::Candidate>* candidates) {
  ondemand::json_type type;
  if (error_code error = value.type().get(type)) return error;
  if (type != ondemand::json_type::array) return simdjson::SUCCESS;
  for (auto element : value.get_array()) {
    ondemand::object object;
    if (error_code error = element.get_object().get(object)) return error;
    Entry entry;
    const auto no_list = [](ondemand::value) { return simdjson::SUCCESS; };
    if (error_code error = ReadEntry(object, &entry, no_list)) return error;
    if (!entry.logprob.has_value()) continue;
    cache::Candidate candidate{std::move(entry.bytes), entry.id, *entry.logprob};
    candidates->push_back(std::move(candidate));
  }
  return simdjson::SUCCESS;
}

}  // namespace

error_code ParseToken(ondemand::object entry, cache::Token* token) {
  Entry chosen;
  const auto on_list = [token](ondemand::value value) {
    return ReadCandidates(value, &token->candidates);
  };
  if (error_code error = ReadEntry(entry, &chosen, on_list)) return error;
  token->bytes = std::move(chosen.bytes);
  token->id = chosen.id;
  token->logprob = chosen.logprob;
  token->lossy = chosen.lossy;
  SortAndDeduplicate(&token->candidates);
  for (const cache::Candidate& candidate : token->candidates) {
    if (token->id.has_value() && candidate.id == token->id && !candidate.bytes.empty() &&
        candidate.bytes != token->bytes) {
      token->lossy = true;
    }
  }
  return simdjson::SUCCESS;
}

}  // namespace limbeck::gateway
