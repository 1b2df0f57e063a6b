// Connections that are reset, closed in the middle or silent (row 7 of the reliability plan).
#include <gtest/gtest.h>

#include <filesystem>
#include <iostream>
#include <iterator>

#include "absl/strings/str_cat.h"
#include "tests/chaos/books.h"
#include "tests/chaos/chaos.h"
#include "tests/chaos/harvest_world.h"

namespace limbeck::testing {
namespace {

using nlohmann::json;

size_t Threads(const Process& process) {
  const std::filesystem::directory_iterator tasks(absl::StrCat("/proc/", process.pid(), "/task"));
  return static_cast<size_t>(std::distance(begin(tasks), end(tasks)));
}

TEST(WireTest, CutAndSilentAnswersAreAskedAgainAndMarked) {
  RunRounds([](StableRandom& random) {
    HarvestOptions options;
    options.cluster.max_attempts = 8;
    options.cluster.timeout_seconds = 2;
    options.script = {{"seed", random.Below(1'000'000)}, {"faults", json::array()}};
    for (const char* kind : {"reset_before", "reset_mid", "close_mid"}) {
      options.script["faults"].push_back({{"kind", kind}, {"ratio", 0.05}});
    }
    options.script["faults"].push_back({{"kind", "hang"}, {"ratio", 0.02}, {"first_attempts", 1}});
    auto world = HarvestWorld::Start(std::move(options));
    ASSERT_TRUE(world.ok()) << world.status();
    ASSERT_TRUE((*world)->WaitUntilServed(10, HangGuard()));
    const size_t threads = Threads(*(*world)->cluster().process("gateway"));
    const auto job = (*world)->WaitForHarvest(HangGuard());
    ASSERT_TRUE(job.ok()) << job.status();
    EXPECT_EQ(job->value("state", ""), "JOB_STATE_RUNNING") << job->dump(2);
    EXPECT_EQ(Count((*job)["progress"], "rows_rejected"), 0);
    EXPECT_GT(Count((*job)["progress"], "calls_ambiguous"), 0);
    ExpectBooksToBalance(**world, *job, (*world)->rows());
    // gRPC keeps a few threads more or less; one for each of the cut calls would be many.
    EXPECT_LE(Threads(*(*world)->cluster().process("gateway")), threads + 8);
  });
}

}  // namespace
}  // namespace limbeck::testing
