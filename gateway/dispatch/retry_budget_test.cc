#include "gateway/dispatch/retry_budget.h"

#include <gtest/gtest.h>

namespace limbeck::gateway {
namespace {

SteadyTime At(double seconds) { return {absl::Seconds(seconds)}; }

TEST(RetryBudgetTest, FirstTriesEarnRetries) {
  RetryBudget budget({.ratio = 0.1, .min_per_second = 1, .max_saved = 50}, At(0));
  EXPECT_TRUE(budget.TryTake(At(0)));
  EXPECT_FALSE(budget.TryTake(At(0)));
  for (int i = 0; i < 20; ++i) budget.OnFirstTry(At(0));
  EXPECT_TRUE(budget.TryTake(At(0)));
  EXPECT_TRUE(budget.TryTake(At(0)));
  EXPECT_FALSE(budget.TryTake(At(0)));
}

TEST(RetryBudgetTest, UnderAStormRetriesStayAtTheirShareAndAreNotStarved) {
  RetryBudget budget({.ratio = 0.1, .min_per_second = 5, .max_saved = 50}, At(0));
  // 1000 first tries a second for 20 s, every one of which wants a retry.
  int sent = 0;
  for (int i = 0; i < 20'000; ++i) {
    const SteadyTime now = At(i / 1000.0);
    budget.OnFirstTry(now);
    if (budget.TryTake(now)) ++sent;
  }
  EXPECT_LE(sent, 20'000 * 0.1 + 5 * 20 + 50);
  EXPECT_GE(sent, 20'000 * 0.1);
}

TEST(RetryBudgetTest, RetriesBeyondTheBudgetComeLaterAtTheFloorRate) {
  RetryBudget budget({.ratio = 0, .min_per_second = 2, .max_saved = 10}, At(0));
  EXPECT_TRUE(budget.TryTake(At(0)));
  EXPECT_TRUE(budget.TryTake(At(0)));
  EXPECT_FALSE(budget.TryTake(At(0)));
  const SteadyTime next = budget.AvailableAt(At(0));
  EXPECT_LE(next - At(0.5), absl::Milliseconds(1));
  EXPECT_TRUE(budget.TryTake(next));
  EXPECT_FALSE(budget.TryTake(next));
  EXPECT_EQ(budget.AvailableAt(At(10)), At(10));
}

}  // namespace
}  // namespace limbeck::gateway
