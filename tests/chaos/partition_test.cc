// The cache stands still or is away while answers are bought (row 14 of the reliability plan).
#include <gtest/gtest.h>
#include <signal.h>

#include <iostream>

#include "absl/time/clock.h"
#include "tests/chaos/books.h"
#include "tests/chaos/chaos.h"
#include "tests/chaos/harvest_world.h"

namespace limbeck::testing {
namespace {

// Calls that were claimed before the cache went may still be sent; after this time all are.
constexpr absl::Duration kSettling = absl::Milliseconds(1000);
constexpr absl::Duration kAway = absl::Seconds(1);

HarvestOptions SlowHarvest() {
  HarvestOptions options;
  options.cluster.max_concurrency = 4;
  options.job.train_rows = 150;
  options.script = {{"latency_ms", 40}};
  return options;
}

// Nothing is bought while `away` lasts; what was claimed before may be on its way.
void ExpectNoPurchases(HarvestWorld& world) {
  absl::SleepFor(kSettling);
  const size_t settled = world.Served();
  absl::SleepFor(kAway);
  EXPECT_EQ(world.Served(), settled) << "bought while the cache could not keep it";
  EXPECT_LT(settled, world.rows()) << "the job was over too early";
}

TEST(PartitionTest, NothingIsBoughtWhileTheCacheStandsStill) {
  RunRounds([](StableRandom& random) {
    auto world = HarvestWorld::Start(SlowHarvest());
    ASSERT_TRUE(world.ok()) << world.status();
    ASSERT_TRUE((*world)->WaitUntilServed(20 + random.Below(40), HangGuard()));
    (*world)->cluster().process("cache")->Signal(SIGSTOP);
    ExpectNoPurchases(**world);
    (*world)->cluster().process("cache")->Signal(SIGCONT);
    const auto job = (*world)->WaitForHarvest(HangGuard());
    ASSERT_TRUE(job.ok()) << job.status();
    ExpectBooksToBalance(**world, *job, (*world)->rows());
  });
}

TEST(PartitionTest, NothingIsBoughtWhileTheCacheIsAway) {
  RunRounds([](StableRandom& random) {
    auto world = HarvestWorld::Start(SlowHarvest());
    ASSERT_TRUE(world.ok()) << world.status();
    ASSERT_TRUE((*world)->WaitUntilServed(20 + random.Below(40), HangGuard()));
    ASSERT_TRUE((*world)->cluster().Kill("cache").ok());
    ExpectNoPurchases(**world);
    ASSERT_TRUE((*world)->cluster().Restart("cache").ok());
    const auto job = (*world)->WaitForHarvest(HangGuard());
    ASSERT_TRUE(job.ok()) << job.status();
    ExpectBooksToBalance(**world, *job, (*world)->rows());
  });
}

// One direction is silent, the other is not.
TEST(PartitionTest, NothingIsBoughtWhileTheWireCarriesOneDirectionOnly) {
  RunRounds([](StableRandom& random) {
    HarvestOptions options = SlowHarvest();
    options.cluster.proxy_cache = true;
    auto world = HarvestWorld::Start(std::move(options));
    ASSERT_TRUE(world.ok()) << world.status();
    TcpProxy* const wire = (*world)->cluster().cache_wire();
    ASSERT_TRUE((*world)->WaitUntilServed(20 + random.Below(40), HangGuard()));
    const Direction silent = random.Below(2) == 0 ? Direction::kToServer : Direction::kToClient;
    wire->Hold(silent);
    ExpectNoPurchases(**world);
    wire->LetGo(silent);
    const auto job = (*world)->WaitForHarvest(HangGuard());
    ASSERT_TRUE(job.ok()) << job.status();
    ExpectBooksToBalance(**world, *job, (*world)->rows());
  });
}

TEST(PartitionTest, AFlappingWireLosesAndRepeatsNothing) {
  RunRounds([](StableRandom& random) {
    HarvestOptions options = SlowHarvest();
    options.cluster.proxy_cache = true;
    auto world = HarvestWorld::Start(std::move(options));
    ASSERT_TRUE(world.ok()) << world.status();
    for (int i = 0; i < 20; ++i) {
      absl::SleepFor(absl::Milliseconds(random.Below(150)));
      (*world)->cluster().cache_wire()->ResetAll();
    }
    const auto job = (*world)->WaitForHarvest(HangGuard());
    ASSERT_TRUE(job.ok()) << job.status();
    ExpectBooksToBalance(**world, *job, (*world)->rows());
    EXPECT_EQ(Count((*job)["progress"], "rows_rejected"), 0);
  });
}

}  // namespace
}  // namespace limbeck::testing
