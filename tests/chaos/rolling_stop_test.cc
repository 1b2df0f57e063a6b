// The gateway is told to stop under load, and started again (row 15 of the reliability plan).
#include <gtest/gtest.h>

#include "tests/chaos/chaos.h"
#include "tests/chaos/harvest_world.h"

namespace limbeck::testing {
namespace {

constexpr absl::Duration kStopTimeout = absl::Seconds(35);

TEST(RollingStopTest, CallsOnTheWireComeHomeAndNothingIsAmbiguous) {
  RunRounds([](StableRandom& random) {
    HarvestOptions options;
    options.cluster.max_concurrency = 8;
    options.script = {{"latency_ms", 100}, {"latency_jitter_ms", 100}};
    auto world = HarvestWorld::Start(std::move(options));
    ASSERT_TRUE(world.ok()) << world.status();
    for (int stops = 0; stops < 3; ++stops) {
      ASSERT_TRUE((*world)->WaitUntilServed(20 + stops * 60 + random.Below(40), absl::Seconds(60)))
          << (*world)->cluster().Logs();
      const auto code = (*world)->cluster().Stop("gateway", kStopTimeout);
      ASSERT_TRUE(code.ok()) << code.status() << (*world)->cluster().Logs();
      EXPECT_EQ(*code, 0) << (*world)->cluster().Logs();
      ASSERT_TRUE((*world)->cluster().Restart("gateway").ok());
    }
    const auto job = (*world)->WaitForHarvest(absl::Seconds(90));
    ASSERT_TRUE(job.ok()) << job.status();
    EXPECT_EQ(Count((*job)["progress"], "calls_ambiguous"), 0);
    (*world)->ExpectBooksToBalance(*job, (*world)->rows());
  });
}

}  // namespace
}  // namespace limbeck::testing
