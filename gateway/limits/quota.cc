#include "gateway/limits/quota.h"

namespace limbeck::gateway {

std::string_view QuotaKindName(QuotaKind kind) {
  switch (kind) {
    case QuotaKind::kRequests:
      return "requests";
    case QuotaKind::kInputTokens:
      return "input_tokens";
    case QuotaKind::kOutputTokens:
      return "output_tokens";
    case QuotaKind::kTotalTokens:
      break;
  }
  return "total_tokens";
}

int64_t CountOf(QuotaKind kind, const TokenCount& tokens) {
  switch (kind) {
    case QuotaKind::kRequests:
      return 1;
    case QuotaKind::kInputTokens:
      return tokens.input;
    case QuotaKind::kOutputTokens:
      return tokens.output;
    case QuotaKind::kTotalTokens:
      break;
  }
  return tokens.input + tokens.output;
}

std::vector<QuotaLimit> QuotaPoolOptions::AllLimits() const {
  std::vector<QuotaLimit> all = {
      {.kind = QuotaKind::kRequests, .amount = requests_per_minute},
      {.kind = QuotaKind::kInputTokens, .amount = input_tokens_per_minute},
      {.kind = QuotaKind::kOutputTokens, .amount = output_tokens_per_minute}};
  all.insert(all.end(), limits.begin(), limits.end());
  std::erase_if(all, [](const QuotaLimit& limit) { return limit.amount <= 0; });
  return all;
}

}  // namespace limbeck::gateway
