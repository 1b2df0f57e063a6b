#include "gateway/teachers/cost.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace limbeck::gateway {
namespace {

using testing::ElementsAre;

TeacherConfig Config() {
  TeacherConfig config;
  config.input_micro_usd_per_million = 2'500'000;
  config.output_micro_usd_per_million = 10'000'000;
  return config;
}

TeacherConfig Tiered() {
  TeacherConfig config = Config();
  config.price_tiers.cached_input_micro_usd_per_million = 1'000'000;
  config.price_tiers.request_micro_usd = 7;
  config.price_tiers.long_context = LongContextPrices{
      .above_input_tokens = 1000,
      .input_micro_usd_per_million = 5'000'000,
      .cached_input_micro_usd_per_million = 2'000'000,
      .output_micro_usd_per_million = 15'000'000,
  };
  return config;
}

cache::Usage Used(uint64_t input, uint64_t cached, uint64_t output, uint64_t reasoning = 0) {
  return {input, cached, output, reasoning};
}

TeacherQuery Query(std::string text) {
  TeacherQuery query;
  query.messages = {{Role::kUser, std::move(text)}};
  query.sampling.max_tokens = 10;
  return query;
}

TEST(CostTest, EstimatesCountBytesAndOverhead) {
  EXPECT_EQ(EstimateTokens(Query("abcde")).input, 16 + 8 + 3);
  EXPECT_EQ(EstimateTokens(Query("\xe4\xbd\xa0\xe5\xa5\xbd")).input, 16 + 8 + 6);
  EXPECT_EQ(EstimateTokens(Query("x")).output, 10);
  TeacherQuery scored = Query("x");
  scored.continuation = "label";
  EXPECT_EQ(EstimateTokens(scored).input, EstimateTokens(Query("x")).input + 3);
}

TEST(CostTest, BatchPricesAreAPartOfEveryPriceRoundedUp) {
  TeacherConfig config = Tiered();
  config.batch.emplace().price_percent = 50;
  const TeacherConfig cut = AtBatchPrices(config);
  EXPECT_EQ(cut.input_micro_usd_per_million, 1'250'000);
  EXPECT_EQ(cut.output_micro_usd_per_million, 5'000'000);
  EXPECT_EQ(cut.price_tiers.cached_input_micro_usd_per_million, 500'000);
  EXPECT_EQ(cut.price_tiers.request_micro_usd, 4);
  EXPECT_EQ(cut.price_tiers.long_context->input_micro_usd_per_million, 2'500'000);
  EXPECT_EQ(cut.price_tiers.long_context->cached_input_micro_usd_per_million, 1'000'000);
  EXPECT_EQ(cut.price_tiers.long_context->output_micro_usd_per_million, 7'500'000);
  EXPECT_EQ(cut.price_tiers.long_context->above_input_tokens, 1000);
}

TEST(CostTest, BoundsHoldATokenPerByteOfEverythingSent) {
  // Tokenizers that split numbers give "12345" five tokens.
  EXPECT_EQ(BoundTokens(Query("12345")).input, 16 + 8 + 5);
  TeacherQuery query = Query("12345");
  query.choices = {"yes", "no"};
  query.continuation = "abc";
  EXPECT_EQ(BoundTokens(query).input, 16 + 8 + 5 + 5 + 3);
  query.response_schema = "{}";
  EXPECT_EQ(BoundTokens(query).input, 16 + 8 + 5 + 5 + 3 + 2 + 1024);
  EXPECT_EQ(PromptBytes(query), 5u + 5 + 3 + 2);
}

TEST(CostTest, PartsOfAMicroUsdAreRoundedUp) {
  EXPECT_EQ(CostMicroUsd(Config(), TokenCount{1, 0}), 3);
  EXPECT_EQ(CostMicroUsd(Config(), TokenCount{4, 1}), 20);
  EXPECT_EQ(CostMicroUsd(TeacherConfig(), TokenCount{1000, 1000}), 0);
}

TEST(CostTest, CachedInputHasItsPriceAndReasoningIsOutput) {
  EXPECT_EQ(CostMicroUsd(Tiered(), Used(100, 40, 3)), 7 + 150 + 40 + 30);
  EXPECT_EQ(CostMicroUsd(Tiered(), Used(100, 40, 3, 2)), 7 + 150 + 40 + 30);
  EXPECT_EQ(CostMicroUsd(Config(), Used(100, 40, 0)), 250);
  // A provider that says more was cached than sent is not believed.
  EXPECT_EQ(CostMicroUsd(Tiered(), Used(10, 1000, 0)), 7 + 10);
}

TEST(CostTest, ALongInputMakesTheWholeCallDearer) {
  EXPECT_EQ(CostMicroUsd(Tiered(), Used(1000, 0, 1)), 7 + 2500 + 10);
  EXPECT_EQ(CostMicroUsd(Tiered(), Used(1001, 1, 1)), 7 + 5000 + 2 + 15);
}

TEST(CostTest, UpperBoundsHoldWhicheverTierIsDearer) {
  TeacherConfig config = Tiered();
  const TeacherQuery query = Query(std::string(1000, 'a'));
  const int64_t tokens = 1000 + 24;
  EXPECT_EQ(UpperBoundMicroUsd(config, query), 7 + tokens * 5 + 150);
  config.price_tiers.long_context->input_micro_usd_per_million = 1;
  config.price_tiers.long_context->output_micro_usd_per_million = 1;
  EXPECT_EQ(UpperBoundMicroUsd(config, query), 7 + tokens * 5 / 2 + 100);
}

TEST(CostTest, NoUsageWithinTheBoundCostsMoreThanIt) {
  const TeacherQuery query = Query(std::string(2000, '7'));
  const TokenCount bound = BoundTokens(query);
  for (const TeacherConfig& config : {Config(), Tiered()}) {
    const int64_t most = UpperBoundMicroUsd(config, query);
    for (int64_t input = 1; input <= bound.input; input += 13) {
      for (const int64_t cached : {int64_t{0}, input / 3, input}) {
        const cache::Usage usage = Used(static_cast<uint64_t>(input), static_cast<uint64_t>(cached),
                                        static_cast<uint64_t>(bound.output));
        ASSERT_LE(ActualMicroUsd(config, query, usage), most + 2) << input << " " << cached;
      }
    }
  }
}

TEST(CostTest, AnAnswerWithoutUsageCostsTheBound) {
  const TeacherQuery query = Query("hello");
  EXPECT_EQ(ActualMicroUsd(Config(), query, {}), UpperBoundMicroUsd(Config(), query));
  EXPECT_FALSE(UsageIsReported({}));
  EXPECT_FALSE(UsageIsReported(Used(0, 0, 5)));
  EXPECT_EQ(ActualMicroUsd(Config(), query, Used(2, 0, 1)), 15);
}

TEST(CostTest, HugeNumbersSaturate) {
  TeacherConfig config = Config();
  config.input_micro_usd_per_million = INT64_MAX;
  EXPECT_EQ(CostMicroUsd(config, TokenCount{INT64_MAX, INT64_MAX}), kMaxCallMicroUsd);
  EXPECT_EQ(CostMicroUsd(config, Used(UINT64_MAX, UINT64_MAX, UINT64_MAX)), kMaxCallMicroUsd);
}

TEST(CostTest, AnyPriceIsAPrice) {
  TeacherConfig free;
  EXPECT_FALSE(HasPrice(free));
  free.price_tiers.request_micro_usd = 1;
  EXPECT_TRUE(HasPrice(free));
  EXPECT_TRUE(HasPrice(Config()));
}

TEST(CostTest, ImpossiblePricesAreNamedAllAtOnce) {
  TeacherConfig config = Tiered();
  EXPECT_TRUE(CheckPrices(config, "t").empty());
  config.input_micro_usd_per_million = -1;
  config.price_tiers.request_micro_usd = INT64_MAX;
  config.price_tiers.long_context->above_input_tokens = 0;
  config.price_tiers.long_context->cached_input_micro_usd_per_million = 6'000'000;
  std::vector<std::string> fields;
  for (const FieldViolation& fault : CheckPrices(config, "t")) fields.push_back(fault.field);
  EXPECT_THAT(fields, ElementsAre("t.input_micro_usd_per_million", "t.request_micro_usd",
                                  "t.cached_input_micro_usd_per_million",
                                  "t.long_context.above_input_tokens",
                                  "t.long_context.cached_input_micro_usd_per_million"));
}

}  // namespace
}  // namespace limbeck::gateway
