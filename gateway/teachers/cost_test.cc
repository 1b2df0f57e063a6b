#include "gateway/teachers/cost.h"

#include <gtest/gtest.h>

namespace limbeck::gateway {
namespace {

TeacherConfig Config() {
  TeacherConfig config;
  config.input_micro_usd_per_million = 2'500'000;
  config.output_micro_usd_per_million = 10'000'000;
  return config;
}

TeacherQuery Query(std::string text) {
  TeacherQuery query;
  query.messages = {{Role::kUser, std::move(text)}};
  query.sampling.max_tokens = 10;
  return query;
}

TEST(CostTest, BoundsCountBytesAndOverhead) {
  EXPECT_EQ(EstimateTokens(Query("abcde")).input, 16 + 8 + 3);
  EXPECT_EQ(EstimateTokens(Query("\xe4\xbd\xa0\xe5\xa5\xbd")).input, 16 + 8 + 6);
  EXPECT_EQ(EstimateTokens(Query("x")).output, 10);
  TeacherQuery scored = Query("x");
  scored.continuation = "label";
  EXPECT_EQ(EstimateTokens(scored).input, EstimateTokens(Query("x")).input + 3);
}

TEST(CostTest, PartsOfAMicroUsdAreRoundedUp) {
  EXPECT_EQ(CostMicroUsd(Config(), {1, 0}), 3);
  EXPECT_EQ(CostMicroUsd(Config(), {4, 1}), 20);
  EXPECT_EQ(CostMicroUsd(TeacherConfig(), {1000, 1000}), 0);
}

TEST(CostTest, AnAnswerWithoutUsageCostsTheBound) {
  const TeacherQuery query = Query("hello");
  EXPECT_EQ(ActualMicroUsd(Config(), query, {}), UpperBoundMicroUsd(Config(), query));
  EXPECT_EQ(ActualMicroUsd(Config(), query, {.input_tokens = 2, .output_tokens = 1}), 15);
}

TEST(CostTest, HugeNumbersSaturate) {
  TeacherConfig config = Config();
  config.input_micro_usd_per_million = INT64_MAX;
  EXPECT_GT(CostMicroUsd(config, {INT64_MAX, INT64_MAX}), 0);
}

}  // namespace
}  // namespace limbeck::gateway
