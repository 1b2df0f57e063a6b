#include "gateway/teachers/openai/parse_token.h"

#include <charconv>
#include <cmath>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include "gateway/teachers/openai/json_fields.h"
#include "gateway/teachers/openai/token_rules.h"

namespace limbeck::gateway {
namespace {

using simdjson::error_code;
namespace ondemand = simdjson::ondemand;

struct Entry {
  // In the parser's buffer, which keeps it until the next document.
  std::string_view shown;
  std::string bytes;
  bool has_bytes = false;
  bool lossy = false;
  std::optional<uint32_t> id;
  std::optional<float> logprob;
};

// Reads "[226, 130]". A large answer is mostly such lists, and looking at each number by itself as
// a JSON value costs several times as much.
class ByteList {
 public:
  // `text` is a whole JSON array.
  explicit ByteList(std::string_view text) : text_(text), at_(1) {}

  // `usable` tells whether all elements are bytes. An error for what is no list of numbers.
  error_code Read(std::string* bytes, bool* usable) {
    *usable = true;
    SkipSpace();
    if (Now() == ']') return simdjson::SUCCESS;
    while (true) {
      double number = 0;
      if (!ReadNumber(&number)) return simdjson::NUMBER_ERROR;
      *usable = *usable && number >= 0 && number <= 255 && number == std::floor(number);
      if (*usable) bytes->push_back(static_cast<char>(static_cast<int>(number)));
      SkipSpace();
      if (Now() == ']') return simdjson::SUCCESS;
      if (Now() != ',') return simdjson::TAPE_ERROR;
      ++at_;
      SkipSpace();
    }
  }

 private:
  char Now() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  static bool IsDigit(char c) { return c >= '0' && c <= '9'; }

  void SkipSpace() {
    while (Now() == ' ' || Now() == '\n' || Now() == '\r' || Now() == '\t') ++at_;
  }

  bool ReadNumber(double* number) {
    const size_t start = at_;
    int value = 0;
    while (IsDigit(Now()) && at_ - start < 3) value = 10 * value + (text_[at_++] - '0');
    *number = value;
    const bool ends = Now() == ',' || Now() == ']' || Now() == ' ';
    const bool plain = at_ > start && ends && (text_[start] != '0' || at_ == start + 1);
    return plain || ReadAnyNumber(start, number);
  }

  // Whatever else JSON calls a number.
  bool ReadAnyNumber(size_t start, double* number) {
    const std::string_view rest = text_.substr(start);
    const std::string_view digits = rest.substr(rest.starts_with('-') ? 1 : 0);
    if (digits.empty() || !IsDigit(digits[0])) return false;
    if (digits[0] == '0' && digits.size() > 1 && IsDigit(digits[1])) return false;
    const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), *number);
    at_ = start + static_cast<size_t>(end - rest.data());
    // Beyond a double's range is no byte either.
    if (error == std::errc::result_out_of_range) *number = -1;
    return error != std::errc::invalid_argument;
  }

  const std::string_view text_;
  size_t at_;
};

error_code ReadBytes(ondemand::value value, Entry* entry) {
  if (!HasType(value, ondemand::json_type::array)) return simdjson::SUCCESS;  // null: none given.
  ondemand::array list;
  if (error_code error = value.get_array().get(list)) return error;
  std::string_view text;
  if (error_code error = list.raw_json().get(text)) return error;
  bool usable = false;
  if (error_code error = ByteList(text).Read(&entry->bytes, &usable)) return error;
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
      // A string that holds a lone surrogate cannot be shown; its bytes, if any, still count.
      if (value.get_string().get(entry->shown) != simdjson::SUCCESS) {
        entry->shown = {};
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
