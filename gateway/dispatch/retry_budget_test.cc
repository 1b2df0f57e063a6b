#include "gateway/dispatch/retry_budget.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

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
  EXPECT_LE(sent, 20'000 * 0.1 + 5);
  EXPECT_GE(sent, 20'000 * 0.1);
}

// Property: over any time, retries stay within a tenth of the first tries or the floor, whichever
// is more, and what may be saved up.
TEST(RetryBudgetTest, RetriesNeverPassTheirShareWhateverComes) {
  for (int seed = 0; seed < 100; ++seed) {
    std::mt19937 random(seed);
    RetryBudget budget({.ratio = 0.1, .min_per_second = 1, .max_saved = 20}, At(0));
    double now = 0;
    double allowed = 1;
    double since_first = 0;
    int retries = 0;
    for (int step = 0; step < 5000; ++step) {
      const double passed = static_cast<double>(random() % 100) / 1000;
      now += passed;
      since_first += passed;
      allowed += passed;
      if (random() % 3 != 0) {
        budget.OnFirstTry(At(now));
        allowed += std::max(0.0, 0.1 - since_first);
        since_first = 0;
      }
      while (random() % 2 == 0 && budget.TryTake(At(now))) ++retries;
      ASSERT_LE(retries, allowed + 1e-3) << "seed " << seed;
    }
  }
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
