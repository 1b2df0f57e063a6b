#include "gateway/limits/adaptive_concurrency.h"

#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <vector>

namespace limbeck::gateway {
namespace {

SteadyTime At(double seconds) { return {absl::Seconds(seconds)}; }

void Fill(AdaptiveConcurrency* concurrency) {
  while (concurrency->MayStart()) concurrency->Start();
}

TEST(AdaptiveConcurrencyTest, ABurstOfRateLimitsCutsOnce) {
  AdaptiveConcurrency concurrency({.max = 100, .cut = 0.75});
  std::vector<uint64_t> epochs;
  while (concurrency.MayStart()) epochs.push_back(concurrency.Start());
  EXPECT_EQ(epochs.size(), 100u);
  for (const uint64_t epoch : epochs) {
    concurrency.OnRateLimited(epoch, absl::ZeroDuration(), At(0));
    concurrency.End();
  }
  EXPECT_EQ(concurrency.limit(), 75u);
}

TEST(AdaptiveConcurrencyTest, NeverBelowTheFloorAndStillStarts) {
  AdaptiveConcurrency concurrency({.max = 10, .min = 2});
  for (int i = 0; i < 50; ++i) {
    concurrency.OnRateLimited(concurrency.Start(), absl::ZeroDuration(), At(i));
    concurrency.End();
  }
  EXPECT_EQ(concurrency.limit(), 2u);
  EXPECT_TRUE(concurrency.MayStart());
}

TEST(AdaptiveConcurrencyTest, SlowStartDoublesWithEveryCleanRound) {
  AdaptiveConcurrency concurrency({.max = 100, .start = 4});
  for (const uint32_t limit : {4, 8, 16, 32, 64, 100}) {
    EXPECT_EQ(concurrency.limit(), limit);
    Fill(&concurrency);
    for (uint32_t i = 0; i < limit; ++i) concurrency.OnSuccess(At(0));
  }
}

TEST(AdaptiveConcurrencyTest, TheFirstRateLimitEndsSlowStart) {
  AdaptiveConcurrency concurrency({.max = 100, .start = 8, .cut = 0.75, .successes_per_step = 5});
  Fill(&concurrency);
  concurrency.OnRateLimited(0, absl::ZeroDuration(), At(0));
  EXPECT_EQ(concurrency.limit(), 6u);
  for (int i = 0; i < 5; ++i) concurrency.OnSuccess(At(6));
  EXPECT_EQ(concurrency.limit(), 7u);
}

TEST(AdaptiveConcurrencyTest, GrowsMoreCarefullyCloseToTheLastCeiling) {
  AdaptiveConcurrency concurrency(
      {.max = 10, .cut = 0.75, .successes_per_step = 5, .careful_rounds = 2});
  Fill(&concurrency);
  concurrency.OnRateLimited(0, absl::ZeroDuration(), At(0));
  EXPECT_EQ(concurrency.limit(), 7u);
  for (int i = 0; i < 10; ++i) concurrency.OnSuccess(At(6));
  EXPECT_EQ(concurrency.limit(), 9u);
  for (int i = 0; i < 18; ++i) concurrency.OnSuccess(At(6));
  EXPECT_EQ(concurrency.limit(), 9u);
  concurrency.OnSuccess(At(6));
  EXPECT_EQ(concurrency.limit(), 10u);
}

TEST(AdaptiveConcurrencyTest, DoesNotGrowWhileIdle) {
  AdaptiveConcurrency concurrency({.max = 10, .cut = 0.75, .successes_per_step = 1});
  Fill(&concurrency);
  concurrency.OnRateLimited(0, absl::ZeroDuration(), At(0));
  for (int i = 0; i < 9; ++i) concurrency.End();
  for (int i = 0; i < 50; ++i) concurrency.OnSuccess(At(10 + i));
  EXPECT_EQ(concurrency.limit(), 7u);
}

TEST(AdaptiveConcurrencyTest, SuccessesDuringTheCooldownDoNotCount) {
  AdaptiveConcurrency concurrency({.max = 10, .cut = 0.75, .successes_per_step = 1});
  Fill(&concurrency);
  concurrency.OnRateLimited(0, absl::Seconds(60), At(0));
  for (int i = 0; i < 59; ++i) concurrency.OnSuccess(At(i));
  EXPECT_EQ(concurrency.limit(), 7u);
  concurrency.OnSuccess(At(60));
  EXPECT_EQ(concurrency.limit(), 8u);
}

TEST(AdaptiveConcurrencyTest, AnOverloadedProviderFreezesGrowthAndCutsNothing) {
  AdaptiveConcurrency concurrency({.max = 10, .start = 4});
  Fill(&concurrency);
  concurrency.Freeze(At(0));
  for (int i = 0; i < 50; ++i) concurrency.OnSuccess(At(4.9));
  EXPECT_EQ(concurrency.limit(), 4u);
  for (int i = 0; i < 4; ++i) concurrency.OnSuccess(At(5));
  EXPECT_EQ(concurrency.limit(), 8u);
}

// A provider that serves `limit` calls at once, each for about `seconds`, and answers further ones
// with 429 at once; asked by someone who always has more to ask.
class Simulation {
 public:
  Simulation(uint32_t limit, double seconds)
      : limit_(limit), seconds_(seconds), concurrency_({.max = 1000, .start = 4}) {}

  void RunUntil(double end) {
    while (now_ < end) {
      while (now_ >= paused_until_ && concurrency_.MayStart()) StartOne();
      if (running_.empty()) {
        now_ = paused_until_;
        continue;
      }
      now_ = running_.begin()->first;
      running_.erase(running_.begin());
      concurrency_.OnSuccess(At(now_));
      concurrency_.End();
    }
  }

  uint32_t found() const { return concurrency_.limit(); }
  int rate_limited() const { return rate_limited_; }

 private:
  void StartOne() {
    const uint64_t epoch = concurrency_.Start();
    if (running_.size() < limit_) {
      // A little spread, as real answers have.
      const double spread = 0.8 + 0.4 * std::fmod(static_cast<double>(++started_) * 0.618, 1.0);
      running_.emplace(now_ + seconds_ * spread, epoch);
      return;
    }
    ++rate_limited_;
    concurrency_.OnRateLimited(epoch, absl::Seconds(1), At(now_));
    concurrency_.End();
    paused_until_ = now_ + 1;
  }

  const uint32_t limit_;
  const double seconds_;
  AdaptiveConcurrency concurrency_;
  std::multimap<double, uint64_t> running_;  // By end.
  double now_ = 0;
  double paused_until_ = 0;
  uint64_t started_ = 0;
  int rate_limited_ = 0;
};

TEST(AdaptiveConcurrencyTest, FindsTheProvidersLimitWithFewRateLimits) {
  for (const uint32_t limit : {5, 17, 60, 240}) {
    for (const double seconds : {0.2, 1.0, 5.0}) {
      Simulation simulation(limit, seconds);
      simulation.RunUntil(600);
      for (double end = 660; end <= 1800; end += 60) {
        const int before = simulation.rate_limited();
        simulation.RunUntil(end);
        EXPECT_GE(simulation.found() + 1, 0.8 * limit) << limit << " " << seconds << " " << end;
        EXPECT_LE(simulation.found(), 1.2 * limit) << limit << " " << seconds << " " << end;
        EXPECT_LE(simulation.rate_limited() - before, 10) << limit << " " << seconds;
      }
    }
  }
}

}  // namespace
}  // namespace limbeck::gateway
