// Answers that are not what they should be (row 9 of the reliability plan).
#include <gtest/gtest.h>

#include <iostream>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/chaos/chaos.h"
#include "tests/chaos/harvest_world.h"

namespace limbeck::testing {
namespace {

using nlohmann::json;

// Twice the longest answer.
constexpr int64_t kMaxGrowthBytes = 128 << 20;

json Body(std::string body, json headers = json::object()) {
  return {{"kind", "body"}, {"ratio", 0.03}, {"body", std::move(body)}, {"headers", headers}};
}

// An answer around the inside of `logprobs`.
std::string WithLogprobs(const std::string& content) {
  return absl::StrCat(R"({"choices":[{"index":0,"finish_reason":"stop","message":{"content":"x"},)",
                      R"("logprobs":{"content":)", content, "}}]}");
}

std::vector<json> BadAnswers() {
  return {
      Body(""),
      Body("null"),
      Body("<html>upstream says hello</html>"),
      Body(std::string(100'000, '[')),
      Body(WithLogprobs(std::string(100'000, '['))),
      Body(WithLogprobs(R"([{"token":"x","bytes":[999],"logprob":NaN,"top_logprobs":[]}])")),
      Body(R"({"choices":[{"message":{"content":"\ud800"}}]})"),
  };
}

// One each, apart from each other. Both are far longer than any answer is allowed to be.
std::vector<json> EndlessAnswers() {
  return {{{"kind", "huge_body"}, {"bytes", int64_t{1} << 30}, {"requests", {60}}},
          {{"kind", "gzip_bomb"}, {"bytes", int64_t{128} << 20}, {"requests", {200}}}};
}

// Faults that look like the way's: they pass when asked again.
std::vector<json> PassingFaults() {
  std::vector<json> faults = {
      Body(R"({"error":{"message":"overloaded","code":503}})"),
      // Says that it is compressed, and is not.
      Body("{}", {{"Content-Encoding", "gzip"}}),
  };
  for (json& fault : faults) fault["first_attempts"] = 1;
  return faults;
}

TEST(MalformedTest, BadAnswersAreRejectionsAndMemoryIsBounded) {
  RunRounds([](StableRandom& random) {
    HarvestOptions options;
    options.cluster.max_attempts = 3;
    options.job.smoke_rows = 0;
    options.job.max_rejected_share = 1;
    std::vector<json> faults = BadAnswers();
    for (json& fault : EndlessAnswers()) faults.insert(faults.begin(), std::move(fault));
    for (json& fault : PassingFaults()) faults.push_back(std::move(fault));
    options.script = {{"seed", random.Below(1'000'000)}, {"faults", faults}};
    auto world = HarvestWorld::Start(std::move(options));
    ASSERT_TRUE(world.ok()) << world.status();
    Process* const gateway = (*world)->cluster().process("gateway");
    // Warm, and before the endless ones.
    ASSERT_TRUE((*world)->WaitUntilServed(25, HangGuard()));
    const int64_t before = gateway->PeakResidentBytes();
    const auto job = (*world)->WaitForHarvest(HangGuard());
    ASSERT_TRUE(job.ok()) << job.status();
    EXPECT_EQ(job->value("state", ""), "JOB_STATE_RUNNING") << job->dump(2);
    const int64_t rejected = Count((*job)["progress"], "rows_rejected");
    EXPECT_GT(rejected, 0) << job->dump(2);
    EXPECT_LT(rejected, static_cast<int64_t>((*world)->rows()));
    const int64_t growth = gateway->PeakResidentBytes() - before;
    std::cout << rejected << " rows rejected, memory grew by " << (growth >> 20) << " MiB"
              << std::endl;
    EXPECT_LT(growth, kMaxGrowthBytes);
    EXPECT_TRUE((*world)->cluster().CheckAlive().ok());
    // What was kept is the good answers, one a row.
    const auto stats = LimbeckJson((*world)->cluster(), {"cache", "stats"});
    ASSERT_TRUE(stats.ok()) << stats.status();
    EXPECT_EQ(Count(*stats, "records"), static_cast<int64_t>((*world)->rows()) - rejected)
        << stats->dump(2);
  });
}

}  // namespace
}  // namespace limbeck::testing
