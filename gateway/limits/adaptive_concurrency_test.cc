#include "gateway/limits/adaptive_concurrency.h"

#include <gtest/gtest.h>

#include <vector>

namespace limbeck::gateway {
namespace {

TEST(AdaptiveConcurrencyTest, ABurstOfRateLimitsCutsOnce) {
  AdaptiveConcurrency concurrency({.max = 100});
  std::vector<uint64_t> epochs;
  while (concurrency.MayStart()) epochs.push_back(concurrency.Start());
  EXPECT_EQ(epochs.size(), 100u);
  for (const uint64_t epoch : epochs) {
    concurrency.OnRateLimited(epoch);
    concurrency.End();
  }
  EXPECT_EQ(concurrency.limit(), 75u);
}

TEST(AdaptiveConcurrencyTest, NeverBelowTheFloorAndStillStarts) {
  AdaptiveConcurrency concurrency({.max = 10, .min = 2});
  for (int i = 0; i < 50; ++i) {
    concurrency.OnRateLimited(concurrency.Start());
    concurrency.End();
  }
  EXPECT_EQ(concurrency.limit(), 2u);
  EXPECT_TRUE(concurrency.MayStart());
}

TEST(AdaptiveConcurrencyTest, GrowsBySuccessesWhileUsed) {
  AdaptiveConcurrency concurrency({.max = 10, .successes_per_step = 5});
  for (int i = 0; i < 10; ++i) concurrency.Start();
  concurrency.OnRateLimited(0);
  EXPECT_EQ(concurrency.limit(), 7u);
  for (int i = 0; i < 5; ++i) concurrency.OnSuccess();
  EXPECT_EQ(concurrency.limit(), 8u);
}

TEST(AdaptiveConcurrencyTest, DoesNotGrowWhileIdle) {
  AdaptiveConcurrency concurrency({.max = 10, .successes_per_step = 1});
  for (int i = 0; i < 10; ++i) concurrency.Start();
  concurrency.OnRateLimited(0);
  for (int i = 0; i < 9; ++i) concurrency.End();
  for (int i = 0; i < 50; ++i) concurrency.OnSuccess();
  EXPECT_EQ(concurrency.limit(), 7u);
}

}  // namespace
}  // namespace limbeck::gateway
