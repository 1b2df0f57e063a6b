#include "gateway/teachers/openai/parse_token.h"

#include <cmath>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "gateway/teachers/openai/json_fields.h"
#include "gateway/teachers/openai/token_rules.h"

namespace limbeck::gateway {
namespace {

using simdjson::error_code;
namespace ondemand = simdjson::ondemand;

struct Entry {
  std::string shown;
  std::string bytes;
  bool has_bytes = false;
  bool lossy = false;
  std::optional<uint32_t> id;
  std::optional<float> logprob;
};

error_code ReadBytes(ondemand::value value, Entry* entry) {
  ondemand::json_type type;
  if (error_code error = value.type().get(type)) return error;
  if (type != ondemand::json_type::array) return simdjson::SUCCESS;  // null: none given.
  bool usable = true;
  for (auto element : value.get_array()) {
    double number = 0;
    if (error_code error = element.get_double().get(number)) return error;
    usable = usable && number >= 0 && number <= 255 && number == std::floor(number);
    if (usable) entry->bytes.push_back(static_cast<char>(static_cast<int>(number)));
  }
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

// `list`, when given, receives the value of "top_logprobs" while the cursor is on it.
template <typename OnList>
error_code ReadEntry(ondemand::object object, Entry* entry, OnList on_list) {
  for (auto field : object) {
    std::string_view key;
    if (error_code error = field.unescaped_key().get(key)) return error;
    ondemand::value value;
    if (error_code error = field.value().get(value)) return error;
    std::optional<double> number;
    error_code error = simdjson::SUCCESS;
    if (key == "token") {
      std::string_view shown;
      // A string that holds a lone surrogate cannot be shown; its bytes, if any, still count.
      if (value.get_string().get(shown) == simdjson::SUCCESS) {
        entry->shown = std::string(shown);
      } else {
        entry->lossy = true;
      }
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
