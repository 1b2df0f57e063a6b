#include "gateway/teachers/openai/parse_token.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <string>
#include <string_view>

namespace limbeck::gateway {
namespace {

using simdjson::error_code;
namespace ondemand = simdjson::ondemand;

// Below this a provider means "none": −9999 (OpenAI), −3.4e38 (llama.cpp).
constexpr double kSentinel = -9000;
// Rounding may lift a logprob above zero; more than this is no logprob.
constexpr double kMaxLogprob = 0.05;
constexpr std::string_view kReplacement = "\xef\xbf\xbd";
constexpr std::string_view kTokenIdPrefix = "token_id:";

struct Entry {
  std::string shown;
  std::string bytes;
  bool has_bytes = false;
  bool lossy = false;
  std::optional<uint32_t> id;
  std::optional<float> logprob;
};

std::optional<float> CleanLogprob(double value) {
  if (!std::isfinite(value) || value <= kSentinel || value > kMaxLogprob) return std::nullopt;
  return static_cast<float>(std::min(value, 0.0));
}

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
  entry->lossy = entry->lossy || !usable || entry->bytes == kReplacement;
  return simdjson::SUCCESS;
}

error_code ReadNumber(ondemand::value value, std::optional<double>* out) {
  ondemand::json_type type;
  if (error_code error = value.type().get(type)) return error;
  if (type != ondemand::json_type::number) return simdjson::SUCCESS;
  double number = 0;
  if (error_code error = value.get_double().get(number)) return error;
  *out = number;
  return simdjson::SUCCESS;
}

// Settles identity once all fields were seen.
void Finish(Entry* entry) {
  if (entry->has_bytes) return;
  entry->bytes.clear();
  const std::string_view shown = entry->shown;
  if (shown.starts_with(kTokenIdPrefix)) {
    uint32_t id = 0;
    for (const char c : shown.substr(kTokenIdPrefix.size())) {
      if (c < '0' || c > '9' || id > 400'000'000) return;
      id = id * 10 + static_cast<uint32_t>(c - '0');
    }
    entry->id = id;
    entry->lossy = true;
    return;
  }
  entry->bytes = entry->shown;
  entry->lossy =
      entry->lossy || shown.find("\\x") != shown.npos || shown.find(kReplacement) != shown.npos;
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
      error = ReadNumber(value, &number);
      if (number.has_value() && *number >= 0 && *number < 4294967296.0) {
        entry->id = static_cast<uint32_t>(*number);
      }
    } else if (key == "top_logprobs" || key == "top_probs") {
      error = on_list(value);
    }
    if (error) return error;
  }
  Finish(entry);
  return simdjson::SUCCESS;
}

bool SameToken(const cache::Candidate& a, const cache::Candidate& b) {
  if (a.id.has_value() && b.id.has_value()) return *a.id == *b.id;
  return a.bytes == b.bytes;
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

void SortAndDeduplicate(std::vector<cache::Candidate>* candidates) {
  std::stable_sort(candidates->begin(), candidates->end(),
                   [](const auto& a, const auto& b) { return a.logprob > b.logprob; });
  size_t kept = 0;
  for (size_t i = 0; i < candidates->size(); ++i) {
    const auto same = [&](const auto& other) { return SameToken(other, (*candidates)[i]); };
    if (std::any_of(candidates->begin(), candidates->begin() + kept, same)) continue;
    if (kept != i) (*candidates)[kept] = std::move((*candidates)[i]);
    ++kept;
  }
  candidates->resize(kept);
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
    if (token->id.has_value() && candidate.id == token->id && candidate.bytes != token->bytes) {
      token->lossy = true;
    }
  }
  return simdjson::SUCCESS;
}

}  // namespace limbeck::gateway
