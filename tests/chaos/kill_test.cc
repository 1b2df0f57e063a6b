// SIGKILL to gateway and cache at any moment of buying (rows 1 and 2 of the reliability plan).
#include <gtest/gtest.h>

#include <iostream>

#include "absl/time/clock.h"
#include "tests/chaos/books.h"
#include "tests/chaos/chaos.h"
#include "tests/chaos/harvest_world.h"

namespace limbeck::testing {
namespace {

// A round kills so often, then lets the job end.
constexpr int kKills = 12;

class KillTest : public ::testing::TestWithParam<const char*> {};

TEST_P(KillTest, EveryRowIsAnsweredAndTheBooksBalance) {
  RunRounds([](StableRandom& random) {
    HarvestOptions options;
    options.cluster.max_concurrency = 8;
    options.script = {{"latency_ms", 60}, {"latency_jitter_ms", 60}};
    auto world = HarvestWorld::Start(std::move(options));
    ASSERT_TRUE(world.ok()) << world.status();
    int kills = 0;
    while (kills < kKills && !(*world)->Harvested()) {
      absl::SleepFor(absl::Milliseconds(20 + random.Below(480)));
      ASSERT_TRUE((*world)->cluster().Kill(GetParam()).ok());
      const absl::Status restarted = (*world)->cluster().Restart(GetParam());
      ASSERT_TRUE(restarted.ok()) << restarted << (*world)->cluster().Logs();
      ++kills;
    }
    std::cout << kills << " kills of the " << GetParam() << std::endl;
    const auto job = (*world)->WaitForHarvest(HangGuard());
    ASSERT_TRUE(job.ok()) << job.status();
    EXPECT_EQ(job->value("state", ""), "JOB_STATE_RUNNING") << job->dump(2);
    ExpectBooksToBalance(**world, *job, (*world)->rows());
  });
}

INSTANTIATE_TEST_SUITE_P(Parts, KillTest, ::testing::Values("gateway", "cache"),
                         [](const auto& info) { return std::string(info.param); });

}  // namespace
}  // namespace limbeck::testing
