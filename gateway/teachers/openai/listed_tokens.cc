#include "gateway/teachers/openai/listed_tokens.h"

#include <algorithm>
#include <string>
#include <utility>

#include "gateway/teachers/openai/json_fields.h"
#include "gateway/teachers/openai/token_rules.h"

namespace limbeck::gateway {
namespace {

using simdjson::error_code;
namespace ondemand = simdjson::ondemand;

error_code ReadTokenText(ondemand::value value, cache::Token* token) {
  std::string shown;
  const bool is_text = HasType(value, ondemand::json_type::string);
  if (!is_text || AppendText(value, &shown)) return simdjson::SUCCESS;  // A lone surrogate.
  const std::optional<uint32_t> id = token->id;
  SetIdentity(IdentityOf(shown), token);
  if (id.has_value()) token->id = id;
  return simdjson::SUCCESS;
}

error_code ReadCandidateMap(ondemand::value value, cache::Token* token) {
  const error_code error = ForEachField(value, [&](std::string_view shown, ondemand::value member) {
    // `shown` is valid until the next string is read, and a number holds none.
    std::optional<double> number;
    if (error_code bad = ReadNumber(member, &number)) return bad;
    const std::optional<float> logprob = CleanLogprob(number.value_or(1));
    if (!logprob.has_value()) return simdjson::SUCCESS;
    TokenIdentity identity = IdentityOf(shown);
    token->candidates.push_back({std::move(identity.bytes), identity.id, *logprob});
    return simdjson::SUCCESS;
  });
  SortAndDeduplicate(&token->candidates);
  return error;
}

error_code ReadPromptEntry(std::string_view key, ondemand::value value, PromptToken* position) {
  const std::optional<uint32_t> id = ParseTokenId(key);
  if (!position->first_id.has_value()) position->first_id = id;
  std::optional<double> number;
  std::string shown;
  const error_code error = ForEachField(value, [&](std::string_view name, ondemand::value member) {
    if (name == "logprob") return ReadNumber(member, &number);
    if (name == "decoded_token") return AppendText(member, &shown);
    return simdjson::SUCCESS;
  });
  const std::optional<float> logprob = CleanLogprob(number.value_or(1));
  if (!error && id.has_value() && logprob.has_value()) {
    position->entries.push_back({std::move(shown), id, *logprob});
  }
  return error;
}

}  // namespace

error_code ReadTokenList(std::string_view key, ondemand::value value, size_t base,
                         std::vector<ListedToken>* tokens) {
  const auto each = [&](auto on_element) {
    return ForEachElement(value, [&](size_t index, ondemand::value element) {
      if (tokens->size() <= base + index) tokens->resize(base + index + 1);
      return on_element(&(*tokens)[base + index], element);
    });
  };
  if (key == "tokens") {
    return each([](ListedToken* listed, ondemand::value element) {
      return ReadTokenText(element, &listed->token);
    });
  }
  if (key == "token_ids") {
    return each([](ListedToken* listed, ondemand::value element) {
      return ReadTokenId(element, &listed->token.id);
    });
  }
  if (key == "token_logprobs") {
    return each([](ListedToken* listed, ondemand::value element) {
      std::optional<double> number;
      const error_code error = ReadNumber(element, &number);
      listed->token.logprob = CleanLogprob(number.value_or(1));
      return error;
    });
  }
  if (key == "top_logprobs") {
    return each([](ListedToken* listed, ondemand::value element) {
      return ReadCandidateMap(element, &listed->token);
    });
  }
  if (key != "text_offset") return simdjson::SUCCESS;
  return each([](ListedToken* listed, ondemand::value element) {
    if (!HasType(element, ondemand::json_type::number)) return simdjson::SUCCESS;
    listed->offset = 0;
    return ReadCount(element, &*listed->offset);
  });
}

error_code ReadPromptLogprobs(ondemand::value value, std::vector<PromptToken>* tokens) {
  return ForEachElement(value, [tokens](size_t, ondemand::value element) {
    tokens->emplace_back();
    PromptToken* position = &tokens->back();
    return ForEachField(element, [position](std::string_view key, ondemand::value member) {
      // The key's bytes live in the parser's buffer, which reading `member` may reuse.
      return ReadPromptEntry(std::string(key), member, position);
    });
  });
}

std::vector<ListedToken> PromptTokens(std::vector<PromptToken> positions,
                                      const std::vector<uint32_t>& ids) {
  std::vector<ListedToken> tokens(positions.size());
  for (size_t i = 0; i < positions.size(); ++i) {
    cache::Token& token = tokens[i].token;
    std::vector<cache::Candidate>& entries = positions[i].entries;
    token.id = positions[i].first_id;
    if (ids.size() == positions.size()) token.id = ids[i];
    const auto chosen = std::find_if(entries.begin(), entries.end(),
                                     [&](const auto& entry) { return entry.id == token.id; });
    if (chosen != entries.end()) {
      TokenIdentity identity = IdentityOf(chosen->bytes);
      token.bytes = std::move(identity.bytes);
      token.lossy = identity.lossy;
      token.logprob = chosen->logprob;
    }
    token.candidates = std::move(entries);
    SortAndDeduplicate(&token.candidates);
  }
  return tokens;
}

}  // namespace limbeck::gateway
