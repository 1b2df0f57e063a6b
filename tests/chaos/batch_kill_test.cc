// SIGKILL to the gateway at any moment of buying by batch.
#include <gtest/gtest.h>

#include <iostream>
#include <string>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "tests/chaos/books.h"
#include "tests/chaos/chaos.h"
#include "tests/chaos/harvest_world.h"

namespace limbeck::testing {
namespace {

constexpr int kKills = 8;

HarvestOptions ByBatch(nlohmann::json batch) {
  HarvestOptions options;
  options.job.by_batch = true;
  // Its calls could be cut off.
  options.job.smoke_rows = 0;
  options.cluster.teacher_batch =
      "{max_requests: 100, gather_milliseconds: 20, poll_seconds: 1, max_batches: 3}";
  options.script = {{"batch", std::move(batch)}};
  return options;
}

// Every row was answered, and once.
void ExpectBoughtOnce(HarvestWorld& world, absl::Duration patience) {
  const auto job = world.WaitForHarvest(patience);
  ASSERT_TRUE(job.ok()) << job.status();
  EXPECT_EQ(job->value("state", ""), "JOB_STATE_RUNNING") << job->dump(2);
  ExpectBooksToBalance(world, *job, world.rows());
  const auto invoice = world.cluster().Invoice();
  ASSERT_TRUE(invoice.ok()) << invoice.status();
  EXPECT_EQ(Excess(*invoice), 0u);
  EXPECT_EQ(Count((*job)["progress"], "calls_ambiguous"), 0);
}

void KillAndRestart(HarvestWorld& world) {
  ASSERT_TRUE(world.cluster().Kill("gateway").ok());
  const absl::Status restarted = world.cluster().Restart("gateway");
  ASSERT_TRUE(restarted.ok()) << restarted << world.cluster().Logs();
}

TEST(BatchKillTest, EveryRowIsAnsweredOnceWhateverMomentTheGatewayDies) {
  RunRounds([](StableRandom& random) {
    auto world = HarvestWorld::Start(ByBatch({{"polls", 2},
                                              {"end", "expired"},
                                              {"times", 2},
                                              {"unanswered", 3},
                                              {"messy", true},
                                              {"lost_creations", 1},
                                              {"broken_downloads", 1}}));
    ASSERT_TRUE(world.ok()) << world.status();
    int kills = 0;
    while (kills < kKills && !(*world)->Harvested()) {
      absl::SleepFor(absl::Milliseconds(random.Below(2000)));
      KillAndRestart(**world);
      ++kills;
    }
    std::cout << kills << " kills of the gateway" << std::endl;
    ExpectBoughtOnce(**world, HangGuard());
  });
}

class BatchStepKillTest : public ::testing::TestWithParam<const char*> {};

// The provider has done what it was asked, and the gateway dies before it hears so.
TEST_P(BatchStepKillTest, AnAnswerThatTheGatewayDidNotLiveToHearCostsNothing) {
  auto world = HarvestWorld::Start(ByBatch({{"hang_at", GetParam()}}));
  ASSERT_TRUE(world.ok()) << world.status();
  const std::string mark = absl::StrCat("hanging at ", GetParam());
  ASSERT_TRUE(PollUntil(HangGuard(), [&] {
    return absl::StrContains((*world)->cluster().Logs(), mark);
  })) << (*world)->cluster().Logs();
  KillAndRestart(**world);
  ExpectBoughtOnce(**world, HangGuard());
}

INSTANTIATE_TEST_SUITE_P(Steps, BatchStepKillTest,
                         ::testing::Values("upload", "create", "look", "download"),
                         [](const auto& info) { return std::string(info.param); });

}  // namespace
}  // namespace limbeck::testing
