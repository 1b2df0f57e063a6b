// A teacher that points elsewhere does not get the key there (row 20 of the reliability plan).
#include <gtest/gtest.h>

#include <string>

#include "absl/strings/str_cat.h"
#include "tests/chaos/chaos.h"
#include "tests/chaos/harvest_world.h"
#include "tests/support/loopback_server.h"

namespace limbeck::testing {
namespace {

using nlohmann::json;

TEST(RedirectTest, NoRequestFollowsARedirect) {
  RunRounds([](StableRandom& random) {
    auto stranger = LoopbackServer::Start(0, [](const HttpRequest&) { return HttpReply{}; });
    ASSERT_TRUE(stranger.ok()) << stranger.status();
    HarvestOptions options;
    options.cluster.teacher_key = "sk-canary-7d1f";
    options.cluster.max_attempts = 2;
    options.job.smoke_rows = 0;
    options.job.max_rejected_share = 1;
    options.script = {{"seed", random.Below(1'000'000)}, {"faults", json::array()}};
    for (int status : {301, 302, 307, 308}) {
      options.script["faults"].push_back(
          {{"kind", "status"},
           {"status", status},
           {"ratio", 0.05},
           {"headers", {{"Location", absl::StrCat((*stranger)->url(), "/v1/chat/completions")}}}});
    }
    auto world = HarvestWorld::Start(std::move(options));
    ASSERT_TRUE(world.ok()) << world.status();
    const auto job = (*world)->WaitForHarvest(HangGuard());
    ASSERT_TRUE(job.ok()) << job.status();
    EXPECT_EQ((*stranger)->connections(), 0u);
    EXPECT_GT((*world)->Served(), 0u);
  });
}

}  // namespace
}  // namespace limbeck::testing
