#include "gateway/dispatch/retry_budget.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

namespace limbeck::gateway {
namespace {

SteadyTime At(double seconds) { return {absl::Seconds(seconds)}; }

int TakeAll(RetryBudget& budget, SteadyTime now) {
  int taken = 0;
  while (budget.TryTake(now)) ++taken;
  return taken;
}

TEST(RetryBudgetTest, ASmallJobHasAFewRetriesInAdvance) {
  RetryBudget budget({}, At(0));
  for (int i = 0; i < 20; ++i) budget.OnFirstTry();
  EXPECT_EQ(TakeAll(budget, At(0)), 10);
}

TEST(RetryBudgetTest, FirstTriesEarnATenthOnceTheyHavePaidForTheAdvance) {
  RetryBudget budget({}, At(0));
  EXPECT_EQ(TakeAll(budget, At(0)), 10);
  for (int i = 0; i < 100; ++i) budget.OnFirstTry();
  EXPECT_EQ(TakeAll(budget, At(0)), 0);
  for (int i = 0; i < 20; ++i) budget.OnFirstTry();
  EXPECT_EQ(TakeAll(budget, At(0)), 2);
}

TEST(RetryBudgetTest, NoMoreIsSavedUpThanTheLimit) {
  RetryBudget budget({.max_saved = 20}, At(0));
  for (int i = 0; i < 10'000; ++i) budget.OnFirstTry();
  EXPECT_EQ(TakeAll(budget, At(0)), 20);
}

TEST(RetryBudgetTest, UnderAStormRetriesStayAtTheirShareAndAreNotStarved) {
  RetryBudget budget({}, At(0));
  // 1000 first tries a second for 20 s, every one of which wants a retry.
  int sent = 0;
  for (int i = 0; i < 20'000; ++i) {
    budget.OnFirstTry();
    if (budget.TryTake(At(i / 1000.0))) ++sent;
  }
  EXPECT_LE(sent, 2000);
  EXPECT_GE(sent, 1990);
}

TEST(RetryBudgetTest, WithoutFirstTriesOneRetryAtATimeFindsOut) {
  RetryBudget budget({}, At(0));
  TakeAll(budget, At(0));
  const SteadyTime next = budget.AvailableAt(At(0));
  EXPECT_LE(next - At(10), absl::Milliseconds(1));
  EXPECT_EQ(TakeAll(budget, At(9.9)), 0);
  EXPECT_EQ(TakeAll(budget, next), 1);
  // An hour of silence is worth no more.
  EXPECT_EQ(TakeAll(budget, next + absl::Hours(1)), 1);
}

TEST(RetryBudgetTest, AnswersLetWhatWaitsGoAtAGrowingPace) {
  RetryBudget budget({}, At(0));
  TakeAll(budget, At(0));
  SteadyTime now = budget.AvailableAt(At(0));
  int under_way = 0;
  for (const int expected : {1, 2, 4, 8, 16, 32}) {
    for (int i = 0; i < under_way; ++i) budget.OnAnswered();
    under_way = TakeAll(budget, now);
    EXPECT_EQ(under_way, expected);
  }
}

// Property: while nothing is answered, retries stay within a tenth of the first tries or ten,
// whichever is more, and one in ten seconds.
TEST(RetryBudgetTest, RetriesNeverPassTheirShareWhateverComes) {
  for (int seed = 0; seed < 100; ++seed) {
    std::mt19937 random(seed);
    RetryBudget budget({.advance_per_second = 0.1, .max_saved = 20}, At(0));
    double now = 0;
    int first_tries = 0;
    int retries = 0;
    for (int step = 0; step < 5000; ++step) {
      now += static_cast<double>(random() % 1000) / 1000;
      for (uint32_t i = random() % 5; i > 0; --i, ++first_tries) budget.OnFirstTry();
      while (random() % 2 == 0 && budget.TryTake(At(now))) ++retries;
      ASSERT_LE(retries, std::max(0.1 * first_tries, 10.0) + 0.1 * now + 1e-3) << "seed " << seed;
    }
  }
}

}  // namespace
}  // namespace limbeck::gateway
