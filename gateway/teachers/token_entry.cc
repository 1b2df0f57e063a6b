#include "gateway/teachers/token_entry.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "base/log.h"
#include "gateway/teachers/openai/token_rules.h"

namespace limbeck::gateway {
namespace {

// Twenty logprobs rounded to a few digits sum to 1 within this.
constexpr double kSumRounding = 1e-3;

}  // namespace

void SettleIdentity(TokenEntry* entry) {
  if (entry->has_bytes) {
    entry->lossy = entry->lossy || entry->bytes.find(kReplacementCharacter) != std::string::npos;
    return;
  }
  TokenIdentity shown = IdentityOf(entry->shown);
  entry->bytes = std::move(shown.bytes);
  entry->lossy = entry->lossy || shown.lossy;
  if (!entry->id.has_value()) entry->id = shown.id;
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
