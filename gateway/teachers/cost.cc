#include "gateway/teachers/cost.h"

#include <algorithm>
#include <limits>

#include "absl/strings/str_cat.h"
#include "base/string_view.h"

namespace limbeck::gateway {
namespace {

constexpr int64_t kTokensPerQuery = 16;
constexpr int64_t kTokensPerMessage = 8;
// Instructions that providers add around a schema; the longest known are 530 tokens.
constexpr int64_t kTokensPerSchema = 1024;
constexpr int64_t kTokensPerPriceUnit = 1'000'000;
// Of a million tokens, or of one request.
constexpr int64_t kMaxPrice = kMaxCallMicroUsd;

int64_t EstimateText(const std::string& text) {
  const int64_t wide =
      std::count_if(text.begin(), text.end(), [](unsigned char c) { return c >= 0x80; });
  return (static_cast<int64_t>(text.size()) - wide + 1) / 2 + wide;
}

int64_t BoundText(const std::string& text) { return static_cast<int64_t>(text.size()); }

// Input of everything that is sent, counted by `text`.
template <typename CountText>
int64_t CountInput(const TeacherQuery& query, CountText text) {
  int64_t tokens = kTokensPerQuery + text(query.response_schema) + text(query.continuation);
  for (const Turn& turn : query.messages) tokens += kTokensPerMessage + text(turn.content);
  for (const std::string& choice : query.choices) tokens += text(choice);
  return tokens;
}

int64_t MostOutput(const TeacherQuery& query) {
  return int64_t{query.sampling.max_tokens} * std::max(query.samples, 1u);
}

int64_t Price(int64_t tokens, int64_t micro_usd_per_million) {
  const __int128 product = static_cast<__int128>(std::max<int64_t>(tokens, 0)) *
                           std::max<int64_t>(micro_usd_per_million, 0);
  const __int128 rounded = (product + kTokensPerPriceUnit - 1) / kTokensPerPriceUnit;
  return static_cast<int64_t>(std::min<__int128>(rounded, kMaxCallMicroUsd));
}

int64_t Signed(uint64_t tokens) {
  return static_cast<int64_t>(std::min<uint64_t>(tokens, std::numeric_limits<int64_t>::max()));
}

struct Rates {
  int64_t input;
  int64_t cached_input;
  int64_t output;
};

Rates PlainRates(const TeacherConfig& config) {
  const int64_t input = config.input_micro_usd_per_million;
  return {input, config.price_tiers.cached_input_micro_usd_per_million.value_or(input),
          config.output_micro_usd_per_million};
}

Rates LongRates(const LongContextPrices& prices) {
  const int64_t input = prices.input_micro_usd_per_million;
  return {input, prices.cached_input_micro_usd_per_million.value_or(input),
          prices.output_micro_usd_per_million};
}

int64_t At(const Rates& rates, const cache::Usage& usage) {
  const uint64_t cached = std::min(usage.cached_input_tokens, usage.input_tokens);
  return Price(Signed(usage.input_tokens - cached), rates.input) +
         Price(Signed(cached), rates.cached_input) +
         Price(Signed(usage.output_tokens), rates.output);
}

bool IsLong(const TeacherConfig& config, uint64_t input_tokens) {
  const auto& tier = config.price_tiers.long_context;
  return tier.has_value() && Signed(input_tokens) > tier->above_input_tokens;
}

cache::Usage UsageOf(const TokenCount& tokens) {
  cache::Usage usage;
  usage.input_tokens = static_cast<uint64_t>(std::max<int64_t>(tokens.input, 0));
  usage.output_tokens = static_cast<uint64_t>(std::max<int64_t>(tokens.output, 0));
  return usage;
}

class PriceCheck {
 public:
  explicit PriceCheck(std::string_view path) : path_(path) {}

  // The price of cached input may be absent.
  void Check(const char* field, std::optional<int64_t> price) {
    if (!price.has_value() || (*price >= 0 && *price <= kMaxPrice)) return;
    Add(field, absl::StrCat(*price < 0 ? "is negative: " : "is too large: ", *price,
                            "; expected 0 … ", kMaxPrice, " micro-USD"));
  }

  // Upper bounds count all input at the plain price.
  void CheckCached(const char* field, std::optional<int64_t> cached, int64_t input) {
    Check(field, cached);
    if (!cached.has_value() || *cached <= input) return;
    Add(field,
        absl::StrCat("is ", *cached, ", above the price of input that is not cached, ", input));
  }

  void Add(const char* field, std::string what) {
    found_.push_back({absl::StrCat(ToAbsl(path_), ".", field), std::move(what)});
  }
  std::vector<FieldViolation> Take() { return std::move(found_); }

 private:
  const std::string_view path_;
  std::vector<FieldViolation> found_;
};

}  // namespace

TokenCount EstimateTokens(const TeacherQuery& query) {
  return {CountInput(query, EstimateText), MostOutput(query)};
}

TokenCount BoundTokens(const TeacherQuery& query) {
  const int64_t schema = query.response_schema.empty() ? 0 : kTokensPerSchema;
  return {CountInput(query, BoundText) + schema, MostOutput(query)};
}

uint64_t PromptBytes(const TeacherQuery& query) {
  uint64_t bytes = query.response_schema.size() + query.continuation.size();
  for (const Turn& turn : query.messages) bytes += turn.content.size();
  for (const std::string& choice : query.choices) bytes += choice.size();
  return bytes;
}

int64_t CostMicroUsd(const TeacherConfig& config, const cache::Usage& usage) {
  const Rates rates = IsLong(config, usage.input_tokens)
                          ? LongRates(*config.price_tiers.long_context)
                          : PlainRates(config);
  return std::min(config.price_tiers.request_micro_usd + At(rates, usage), kMaxCallMicroUsd);
}

int64_t CostMicroUsd(const TeacherConfig& config, const TokenCount& tokens) {
  return CostMicroUsd(config, UsageOf(tokens));
}

int64_t UpperBoundMicroUsd(const TeacherConfig& config, const TeacherQuery& query) {
  const cache::Usage bound = UsageOf(BoundTokens(query));
  // The call itself may stay below the long-context bound, and be the dearer for it.
  int64_t most = At(PlainRates(config), bound);
  if (IsLong(config, bound.input_tokens)) {
    most = std::max(most, At(LongRates(*config.price_tiers.long_context), bound));
  }
  return std::min(config.price_tiers.request_micro_usd + most, kMaxCallMicroUsd);
}

int64_t ActualMicroUsd(const TeacherConfig& config, const TeacherQuery& query,
                       const cache::Usage& usage) {
  return UsageIsReported(usage) ? CostMicroUsd(config, usage) : UpperBoundMicroUsd(config, query);
}

bool HasPrice(const TeacherConfig& config) {
  const auto& tier = config.price_tiers.long_context;
  return config.input_micro_usd_per_million > 0 || config.output_micro_usd_per_million > 0 ||
         config.price_tiers.request_micro_usd > 0 ||
         (tier.has_value() &&
          (tier->input_micro_usd_per_million > 0 || tier->output_micro_usd_per_million > 0));
}

std::vector<FieldViolation> CheckPrices(const TeacherConfig& config, std::string_view path) {
  PriceCheck check(path);
  const PriceTiers& tiers = config.price_tiers;
  check.Check("input_micro_usd_per_million", config.input_micro_usd_per_million);
  check.Check("output_micro_usd_per_million", config.output_micro_usd_per_million);
  check.Check("request_micro_usd", tiers.request_micro_usd);
  check.CheckCached("cached_input_micro_usd_per_million", tiers.cached_input_micro_usd_per_million,
                    config.input_micro_usd_per_million);
  if (!tiers.long_context.has_value()) return check.Take();
  const LongContextPrices& tier = *tiers.long_context;
  if (tier.above_input_tokens <= 0) {
    check.Add("long_context.above_input_tokens",
              "is required: the number of input tokens above which these prices hold");
  }
  check.Check("long_context.input_micro_usd_per_million", tier.input_micro_usd_per_million);
  check.Check("long_context.output_micro_usd_per_million", tier.output_micro_usd_per_million);
  check.CheckCached("long_context.cached_input_micro_usd_per_million",
                    tier.cached_input_micro_usd_per_million, tier.input_micro_usd_per_million);
  return check.Take();
}

}  // namespace limbeck::gateway
