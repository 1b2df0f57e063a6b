// SIGKILL to the gateway at any moment of buying by batch.
#include <gtest/gtest.h>

#include <iostream>

#include "absl/time/clock.h"
#include "tests/chaos/books.h"
#include "tests/chaos/chaos.h"
#include "tests/chaos/harvest_world.h"

namespace limbeck::testing {
namespace {

constexpr int kKills = 8;

TEST(BatchKillTest, EveryRowIsAnsweredOnceWhateverMomentTheGatewayDies) {
  RunRounds([](StableRandom& random) {
    HarvestOptions options;
    options.job.by_batch = true;
    // Its calls could be cut off.
    options.job.smoke_rows = 0;
    options.cluster.teacher_batch =
        "{max_requests: 30, gather_milliseconds: 20, poll_seconds: 1, max_batches: 3}";
    options.script = {{"batch",
                       {{"polls", 2},
                        {"end", "expired"},
                        {"times", 5},
                        {"unanswered", 3},
                        {"messy", true},
                        {"lost_creations", 1},
                        {"broken_downloads", 1}}}};
    auto world = HarvestWorld::Start(std::move(options));
    ASSERT_TRUE(world.ok()) << world.status();
    int kills = 0;
    while (kills < kKills && !(*world)->Harvested()) {
      absl::SleepFor(absl::Milliseconds(random.Below(2000)));
      ASSERT_TRUE((*world)->cluster().Kill("gateway").ok());
      const absl::Status restarted = (*world)->cluster().Restart("gateway");
      ASSERT_TRUE(restarted.ok()) << restarted << (*world)->cluster().Logs();
      ++kills;
    }
    std::cout << kills << " kills of the gateway" << std::endl;
    const auto job = (*world)->WaitForHarvest(absl::Seconds(200));
    ASSERT_TRUE(job.ok()) << job.status();
    EXPECT_EQ(job->value("state", ""), "JOB_STATE_RUNNING") << job->dump(2);
    ExpectBooksToBalance(**world, *job, (*world)->rows());
    const auto invoice = (*world)->cluster().Invoice();
    ASSERT_TRUE(invoice.ok()) << invoice.status();
    EXPECT_EQ(Excess(*invoice), 0u);
    EXPECT_EQ(Count((*job)["progress"], "calls_ambiguous"), 0);
  });
}

}  // namespace
}  // namespace limbeck::testing
