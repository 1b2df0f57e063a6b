#include "gateway/jobs/token_fit.h"

#include <gtest/gtest.h>

namespace limbeck::gateway {
namespace {

// `calls` calls of 400 bytes, with `input` tokens and `output` or `output + 4`, half each.
cache::TeacherStats Seen(int calls, uint64_t input, uint64_t output) {
  cache::TeacherStats stats;
  for (int i = 0; i < calls; ++i) {
    const uint64_t out = output + 4 * static_cast<uint64_t>(i % 2);
    const uint64_t rate = input * 1000 / 400;
    ++stats.calls;
    stats.prompt_bytes += 400;
    stats.input_tokens += input;
    stats.output_tokens += out;
    stats.micros += 250'000;
    stats.input_rate_sum += rate;
    stats.input_rate_squares += rate * rate;
    stats.output_squares += out * out;
  }
  return stats;
}

TEST(TokenFitTest, WithoutHistoryDefaultsHold) {
  for (const auto& stats : {cache::TeacherStats(), Seen(19, 200, 8)}) {
    const TokenFit fit = FitTokens(stats);
    EXPECT_EQ(fit.calls, 0u);
    const TokenRange range = LikelyTokens(fit, 4000, 10);
    EXPECT_EQ(range.low.input, 800);
    EXPECT_EQ(range.likely.input, 1000);
    EXPECT_EQ(range.high.input, 2000);
    EXPECT_EQ(range.low.output, 1);
    EXPECT_EQ(range.likely.output, 4);
    EXPECT_EQ(range.high.output, 10);
  }
}

TEST(TokenFitTest, HistoryGivesMeansAndOneDeviation) {
  const TokenFit fit = FitTokens(Seen(20, 200, 8));
  EXPECT_EQ(fit.calls, 20u);
  EXPECT_EQ(fit.micros, 250'000);
  const TokenRange range = LikelyTokens(fit, 4000, 100);
  EXPECT_EQ(range.likely.input, 2000);
  // All calls were alike: five percent to each side.
  EXPECT_EQ(range.low.input, 1900);
  EXPECT_EQ(range.high.input, 2100);
  EXPECT_EQ(range.likely.output, 10);
  EXPECT_EQ(range.low.output, 8);
  EXPECT_EQ(range.high.output, 12);
}

TEST(TokenFitTest, OutputIsCutToWhatTheCallAllows) {
  const TokenRange range = LikelyTokens(FitTokens(Seen(50, 100, 300)), 0, 5);
  EXPECT_EQ(range.low.output, 5);
  EXPECT_EQ(range.high.output, 5);
  EXPECT_EQ(range.low.input, 1);
}

TEST(TokenFitTest, TheSlowestLimitDecidesTheTime) {
  QuotaPoolOptions limits;
  limits.max_concurrent = 10;
  const TokenFit fit = FitTokens(Seen(20, 200, 8));
  const TokenCount tokens = {200'000, 10'000};
  EXPECT_DOUBLE_EQ(EstimateTime(limits, fit, 1000, tokens).seconds, 25.0);
  EXPECT_STREQ(EstimateTime(limits, fit, 1000, tokens).limit, "calls at once");
  limits.requests_per_minute = 500;
  EXPECT_DOUBLE_EQ(EstimateTime(limits, fit, 1000, tokens).seconds, 120.0);
  EXPECT_STREQ(EstimateTime(limits, fit, 1000, tokens).limit, "requests per minute");
  limits.input_tokens_per_minute = 50'000;
  EXPECT_DOUBLE_EQ(EstimateTime(limits, fit, 1000, tokens).seconds, 240.0);
  limits.output_tokens_per_minute = 1'000;
  EXPECT_DOUBLE_EQ(EstimateTime(limits, fit, 1000, tokens).seconds, 600.0);
  EXPECT_STREQ(EstimateTime(limits, fit, 1000, tokens).limit, "output tokens per minute");
  EXPECT_DOUBLE_EQ(EstimateTime(limits, fit, 0, {}).seconds, 0.0);
}

}  // namespace
}  // namespace limbeck::gateway
