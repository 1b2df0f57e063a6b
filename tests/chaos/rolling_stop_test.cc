// The gateway is told to stop under load, and started again (row 15 of the reliability plan).
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <iostream>

#include "absl/time/clock.h"
#include "tests/chaos/books.h"
#include "tests/chaos/chaos.h"
#include "tests/chaos/harvest_world.h"

namespace limbeck::testing {
namespace {

TEST(RollingStopTest, CallsOnTheWireComeHomeAndNothingIsAmbiguous) {
  RunRounds([](StableRandom& random) {
    HarvestOptions options;
    options.cluster.max_concurrency = 8;
    options.script = {{"latency_ms", 100}, {"latency_jitter_ms", 100}};
    auto world = HarvestWorld::Start(std::move(options));
    ASSERT_TRUE(world.ok()) << world.status();
    for (int stops = 0; stops < 3; ++stops) {
      ASSERT_TRUE((*world)->WaitUntilServed(20 + stops * 60 + random.Below(40), HangGuard()))
          << (*world)->cluster().Logs();
      const absl::Time told = absl::Now();
      const auto code = (*world)->cluster().Stop("gateway", HangGuard());
      std::cout << "drained in " << absl::Now() - told << std::endl;
      ASSERT_TRUE(code.ok()) << code.status() << (*world)->cluster().Logs();
      EXPECT_EQ(*code, 0) << (*world)->cluster().Logs();
      ASSERT_TRUE((*world)->cluster().Restart("gateway").ok());
    }
    const auto job = (*world)->WaitForHarvest(HangGuard());
    ASSERT_TRUE(job.ok()) << job.status();
    EXPECT_EQ(Count((*job)["progress"], "calls_ambiguous"), 0);
    ExpectBooksToBalance(**world, *job, (*world)->rows());
  });
}

// Calls that never come home are given up when the drain is over, each as an ambiguous entry, and
// the gateway ends by itself.
TEST(RollingStopTest, CallsThatHangAreGivenUpAtTheEndOfTheDrain) {
  RunRounds([](StableRandom& random) {
    HarvestOptions options;
    options.cluster.max_concurrency = 8;
    options.cluster.drain_seconds = 1;
    options.script = {{"seed", random.Below(1'000'000)},
                      {"latency_ms", 20},
                      {"faults", {{{"kind", "hang"}, {"ratio", 0.05}, {"first_attempts", 1}}}}};
    auto world = HarvestWorld::Start(std::move(options));
    ASSERT_TRUE(world.ok()) << world.status();
    Cluster& cluster = (*world)->cluster();
    int stops = 0;
    while (!(*world)->Harvested() && stops < 10) {
      // All of the pool may hang, so there is not always more to come.
      (*world)->WaitUntilServed((*world)->Served() + 60, absl::Seconds(2));
      const absl::Time told = absl::Now();
      const auto code = cluster.Stop("gateway", HangGuard());
      std::cout << "ended after " << absl::Now() - told << std::endl;
      ASSERT_TRUE(code.ok()) << code.status() << cluster.Logs();
      EXPECT_EQ(*code, 0) << cluster.Logs();
      ASSERT_TRUE(cluster.Restart("gateway").ok());
      ++stops;
    }
    EXPECT_THAT(cluster.Logs(),
                ::testing::HasSubstr("calls were given up at the end of the drain"));
    const auto job = (*world)->WaitForHarvest(HangGuard());
    ASSERT_TRUE(job.ok()) << job.status();
    EXPECT_GT(Count((*job)["progress"], "calls_ambiguous"), 0);
    ExpectBooksToBalance(**world, *job, (*world)->rows());
  });
}

// Calls that never come home, and whoever stopped the gateway has less patience than the drain: it
// is killed.
TEST(RollingStopTest, AKillAtTheEndOfPatienceLosesNothing) {
  RunRounds([](StableRandom& random) {
    HarvestOptions options;
    options.cluster.max_concurrency = 8;
    options.script = {{"seed", random.Below(1'000'000)},
                      {"latency_ms", 20},
                      {"faults", {{{"kind", "hang"}, {"ratio", 0.03}, {"first_attempts", 1}}}}};
    auto world = HarvestWorld::Start(std::move(options));
    ASSERT_TRUE(world.ok()) << world.status();
    Cluster& cluster = (*world)->cluster();
    const absl::Duration patience = absl::Seconds(IsLongRun() ? 30 : 1);
    int kills = 0;
    while (!(*world)->Harvested() && kills < 10) {
      // All of the pool may hang, so there is not always more to come.
      (*world)->WaitUntilServed((*world)->Served() + 60, absl::Seconds(2));
      if (!cluster.Stop("gateway", patience).ok()) {
        ASSERT_TRUE(cluster.Kill("gateway").ok());
        ++kills;
      }
      ASSERT_TRUE(cluster.Restart("gateway").ok());
    }
    std::cout << kills << " kills after " << patience << std::endl;
    const auto job = (*world)->WaitForHarvest(HangGuard());
    ASSERT_TRUE(job.ok()) << job.status();
    ExpectBooksToBalance(**world, *job, (*world)->rows());
  });
}

}  // namespace
}  // namespace limbeck::testing
