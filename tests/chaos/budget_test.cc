// A ceiling far below what the job needs, with many calls at once (row 19 of the reliability plan).
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/chaos/chaos.h"
#include "tests/chaos/harvest_world.h"

namespace limbeck::testing {
namespace {

TEST(BudgetTest, SpentAndReservedNeverPassTheCeiling) {
  RunRounds([](StableRandom& random) {
    HarvestOptions options;
    options.cluster.max_concurrency = 64;
    options.job.smoke_rows = 0;
    // The whole job would cost some 15,000.
    options.job.ceiling_micro_usd = 3'000 + static_cast<int64_t>(random.Below(5'000));
    options.job.train_with_partial = true;
    options.script = {{"latency_ms", 20}, {"latency_jitter_ms", 40}};
    const int64_t ceiling = options.job.ceiling_micro_usd;
    auto world = HarvestWorld::Start(std::move(options));
    ASSERT_TRUE(world.ok()) << world.status();
    int64_t most = 0;
    int64_t spent = 0;
    const bool done = PollUntil(absl::Seconds(60), [&] {
      const auto job = GetJob((*world)->cluster(), (*world)->job_id());
      if (!job.ok()) return false;
      spent = Count((*job)["progress"], "spent_micro_usd");
      most = std::max(most, spent + Count((*job)["progress"], "reserved_micro_usd"));
      return (*world)->Harvested();
    });
    ASSERT_TRUE(done) << (*world)->cluster().Logs();
    EXPECT_LE(most, ceiling);
    EXPECT_GT(spent, ceiling / 2) << "the ceiling was hardly used";
    EXPECT_LT((*world)->Served(), (*world)->rows());
  });
}

}  // namespace
}  // namespace limbeck::testing
