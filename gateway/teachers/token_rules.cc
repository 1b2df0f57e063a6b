#include "gateway/teachers/token_rules.h"

#include <algorithm>
#include <cmath>
#include <string_view>
#include <utility>

#include "base/log.h"

namespace limbeck::gateway {
namespace {

// Below this a provider means "none": −9999 (OpenAI), −3.4e38 (llama.cpp).
constexpr double kSentinel = -9000;
// Rounding may lift a logprob above zero; more than this is no logprob.
constexpr double kMaxLogprob = 0.05;
// Twenty logprobs rounded to a few digits sum to 1 within this.
constexpr double kSumRounding = 1e-3;
constexpr std::string_view kReplacement = "\xef\xbf\xbd";
constexpr std::string_view kTokenIdPrefix = "token_id:";
constexpr uint32_t kMaxIdBeforeDigit = 400'000'000;

std::optional<uint32_t> IdIn(std::string_view shown) {
  uint32_t id = 0;
  for (const char c : shown.substr(kTokenIdPrefix.size())) {
    if (c < '0' || c > '9' || id > kMaxIdBeforeDigit) return std::nullopt;
    id = id * 10 + static_cast<uint32_t>(c - '0');
  }
  return id;
}

bool SameToken(const cache::Candidate& a, const cache::Candidate& b) {
  if (a.id.has_value() && b.id.has_value()) return *a.id == *b.id;
  return a.bytes == b.bytes;
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

std::optional<float> CleanLogprob(double value) {
  if (!std::isfinite(value) || value <= kSentinel || value > kMaxLogprob) return std::nullopt;
  return static_cast<float>(std::min(value, 0.0));
}

void SettleIdentity(TokenEntry* entry) {
  if (entry->has_bytes) {
    entry->lossy = entry->lossy || entry->bytes == kReplacement;
    return;
  }
  entry->bytes.clear();
  const std::string_view shown = entry->shown;
  if (shown.starts_with(kTokenIdPrefix)) {
    entry->id = IdIn(shown);
    entry->lossy = true;
    return;
  }
  entry->bytes = entry->shown;
  entry->lossy =
      entry->lossy || shown.find("\\x") != shown.npos || shown.find(kReplacement) != shown.npos;
}

cache::Token MakeToken(TokenEntry chosen, std::vector<TokenEntry> alternatives) {
  cache::Token token;
  token.bytes = std::move(chosen.bytes);
  token.id = chosen.id;
  token.logprob = chosen.logprob;
  token.lossy = chosen.lossy;
  for (TokenEntry& entry : alternatives) {
    if (!entry.logprob.has_value()) continue;
    token.candidates.push_back({std::move(entry.bytes), entry.id, *entry.logprob});
  }
  SortAndDeduplicate(&token.candidates);
  for (const cache::Candidate& candidate : token.candidates) {
    if (token.id.has_value() && candidate.id == token.id && candidate.bytes != token.bytes) {
      token.lossy = true;
    }
  }
  return token;
}

double Renormalise(cache::Token* token) {
  double sum = 0;
  for (const cache::Candidate& candidate : token->candidates) sum += std::exp(candidate.logprob);
  if (sum <= 1 + kSumRounding) return sum;
  const auto scale = static_cast<float>(std::log(sum));
  for (cache::Candidate& candidate : token->candidates) candidate.logprob -= scale;
  if (token->logprob.has_value()) *token->logprob -= scale;
  return sum;
}

void SettleTokens(const std::string& teacher, cache::SoftOutput* output) {
  double most = 0;
  output->support = cache::Support::kTextOnly;
  for (cache::Token& token : output->tokens) {
    most = std::max(most, Renormalise(&token));
    if (!token.candidates.empty()) {
      output->support = cache::Support::kTopK;
    } else if (token.logprob.has_value() && output->support == cache::Support::kTextOnly) {
      output->support = cache::Support::kChosenOnly;
    }
  }
  if (most > kMaxProbabilitySum) {
    LIMBECK_LOG(WARNING) << "probabilities of one token sum to far above 1; scaled to 1"
                         << LogField("teacher", teacher) << LogField("sum", most);
  }
  if (output->support == cache::Support::kTextOnly) output->tokens.clear();
}

}  // namespace limbeck::gateway
