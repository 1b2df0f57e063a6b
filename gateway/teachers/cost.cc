#include "gateway/teachers/cost.h"

#include <algorithm>
#include <limits>

namespace limbeck::gateway {
namespace {

constexpr int64_t kTokensPerQuery = 16;
constexpr int64_t kTokensPerMessage = 8;
constexpr int64_t kTokensPerPriceUnit = 1'000'000;

int64_t EstimateText(const std::string& text) {
  const int64_t wide =
      std::count_if(text.begin(), text.end(), [](unsigned char c) { return c >= 0x80; });
  return (static_cast<int64_t>(text.size()) - wide + 1) / 2 + wide;
}

int64_t Price(int64_t tokens, int64_t micro_usd_per_million) {
  const __int128 product = static_cast<__int128>(std::max<int64_t>(tokens, 0)) *
                           std::max<int64_t>(micro_usd_per_million, 0);
  const __int128 rounded = (product + kTokensPerPriceUnit - 1) / kTokensPerPriceUnit;
  return static_cast<int64_t>(std::min<__int128>(rounded, std::numeric_limits<int64_t>::max() / 4));
}

}  // namespace

TokenCount EstimateTokens(const TeacherQuery& query) {
  TokenCount count;
  count.input =
      kTokensPerQuery + EstimateText(query.response_schema) + EstimateText(query.continuation);
  for (const Turn& turn : query.messages) {
    count.input += kTokensPerMessage + EstimateText(turn.content);
  }
  count.output = query.sampling.max_tokens;
  return count;
}

int64_t CostMicroUsd(const TeacherConfig& config, const TokenCount& tokens) {
  return Price(tokens.input, config.input_micro_usd_per_million) +
         Price(tokens.output, config.output_micro_usd_per_million);
}

int64_t UpperBoundMicroUsd(const TeacherConfig& config, const TeacherQuery& query) {
  return CostMicroUsd(config, EstimateTokens(query));
}

int64_t ActualMicroUsd(const TeacherConfig& config, const TeacherQuery& query,
                       const cache::Usage& usage) {
  if (usage.input_tokens == 0 && usage.output_tokens == 0) {
    return UpperBoundMicroUsd(config, query);
  }
  return CostMicroUsd(config, {static_cast<int64_t>(usage.input_tokens),
                               static_cast<int64_t>(usage.output_tokens)});
}

}  // namespace limbeck::gateway
