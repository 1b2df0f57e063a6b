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

constexpr uint32_t kAtOnce = 4;
// A gateway claims twice as many queries as it may send at once. Those that it had claimed when the
// cache went may still be sent, however long that takes on a busy machine.
constexpr size_t kMaxClaimed = 2 * kAtOnce;
// Long enough to buy many times more than what was claimed.
absl::Duration Away() { return absl::Seconds(IsLongRun() ? 10 : 2); }

HarvestOptions SlowHarvest() {
  HarvestOptions options;
  options.cluster.max_concurrency = kAtOnce;
  options.job.train_rows = 150;
  options.script = {{"latency_ms", 40}};
  return options;
}

// Once the cache is away: no query is bought that was not claimed before.
void ExpectNoPurchases(HarvestWorld& world) {
  const size_t before = world.Served();
  absl::SleepFor(Away());
  const size_t bought = world.Served() - before;
  std::cout << bought << " bought that had been claimed" << std::endl;
  EXPECT_LE(bought, kMaxClaimed) << "bought while the cache could not keep it";
  EXPECT_LT(before + bought, world.rows()) << "the job was over too early";
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
