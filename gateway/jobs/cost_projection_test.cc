#include "gateway/jobs/cost_projection.h"

#include <gtest/gtest.h>

namespace limbeck::gateway {
namespace {

constexpr int64_t kCeiling = 1'000'000;

TEST(CostProjectionTest, EqualPricesAndNothingCachedGiveANarrowRange) {
  const CostSample sample = {.bought = 1000, .micro_usd = 10'000, .squares = 100'000.0};
  const CostProjection projection = ProjectCost(sample, 9000, 10'000, kCeiling);
  EXPECT_LE(projection.low_micro_usd, 100'000);
  EXPECT_GE(projection.low_micro_usd, 99'000);
  EXPECT_EQ(projection.high_micro_usd, 100'000);
}

TEST(CostProjectionTest, TheRangeHoldsWhatAHalfCachedJobComesTo) {
  const CostSample sample = {
      .cached = 50, .bought = 50, .micro_usd = 500, .squares = 5200.0, .estimate_micro_usd = 900};
  const CostProjection projection = ProjectCost(sample, 900, 500, kCeiling);
  EXPECT_LT(projection.low_micro_usd, 500 + 4500);
  EXPECT_GT(projection.high_micro_usd, 500 + 4500);
  EXPECT_GT(projection.low_micro_usd, 500 + 3000);
  EXPECT_LT(projection.high_micro_usd, 500 + 6000);
}

TEST(CostProjectionTest, BeforeAnythingWasBoughtTheEstimateStandsForThePrice) {
  const CostSample sample = {.cached = 10, .estimate_micro_usd = 100};
  const CostProjection projection = ProjectCost(sample, 90, 0, kCeiling);
  EXPECT_EQ(projection.low_micro_usd, 0);
  EXPECT_EQ(projection.high_micro_usd, 90 * 2 * 20 / 10);
  const CostProjection blind = ProjectCost({}, 90, 0, kCeiling);
  EXPECT_EQ(blind.high_micro_usd, 0);
}

TEST(CostProjectionTest, NothingIsProjectedAboveTheCeiling) {
  const CostSample sample = {.bought = 10, .micro_usd = 1000, .squares = 100'000.0};
  EXPECT_EQ(ProjectCost(sample, 1'000'000, 1000, 5000).high_micro_usd, 5000);
  EXPECT_EQ(ProjectCost(sample, 1'000'000, 6000, 5000).high_micro_usd, 6000);
  EXPECT_EQ(ProjectCost(sample, 0, 1000, 5000).low_micro_usd, 1000);
  EXPECT_EQ(ProjectCost(sample, 0, 1000, 5000).high_micro_usd, 1000);
}

TEST(CostProjectionTest, HugeJobsDoNotOverflow) {
  const CostSample sample = {.bought = 1, .micro_usd = INT64_MAX / 2, .squares = 1e36};
  EXPECT_EQ(ProjectCost(sample, UINT64_MAX, 5, INT64_MAX).high_micro_usd, INT64_MAX);
}

}  // namespace
}  // namespace limbeck::gateway
