// The teacher's key is in no file, log, metric or message (row 21 of the reliability plan).
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>

#include <array>
#include <filesystem>
#include <iostream>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/file.h"
#include "tests/chaos/chaos.h"
#include "tests/chaos/harvest_world.h"

namespace limbeck::testing {
namespace {

using nlohmann::json;

constexpr const char* kCanary = "sk-canary-51f20c7e9b";
// Each has a header of its own for the key.
constexpr std::array kKinds = {"openai", "gemini", "llamacpp", "ollama", "vllm"};

// Every file of Limbeck's below `dir`; how many bytes were looked at. The operator's key file has
// the key, and so does the script of a teacher that repeats it.
size_t ExpectNoCanary(const std::filesystem::path& dir) {
  size_t bytes = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(dir)) {
    const std::string name = entry.path().filename().string();
    if (!entry.is_regular_file() || name == "teacher.key" || name == "script.json") continue;
    const auto content = ReadFile(entry.path());
    if (!content.ok()) continue;  // RocksDB removes files meanwhile.
    bytes += content->size();
    EXPECT_EQ(content->find(kCanary), std::string::npos) << entry.path();
  }
  return bytes;
}

TEST(SecretTest, NoFileMetricOrMessageShowsTheKey) {
  RunRounds([](StableRandom& random) {
    HarvestOptions options;
    options.cluster.teacher_key = kCanary;
    options.cluster.teacher_kind = kKinds[random.Below(kKinds.size())];
    options.cluster.max_attempts = 2;
    options.job.smoke_rows = 0;
    options.job.max_rejected_share = 1;
    options.script = {{"seed", random.Below(1'000'000)}, {"faults", json::array()}};
    for (const char* kind : {"reset_mid", "malformed_json", "error_in_200", "refusal"}) {
      options.script["faults"].push_back({{"kind", kind}, {"ratio", 0.05}});
    }
    options.script["faults"].push_back({{"kind", "status"}, {"status", 400}, {"ratio", 0.05}});
    // A provider that repeats the key it was given.
    options.script["faults"].push_back(
        {{"kind", "status"},
         {"status", 403},
         {"ratio", 0.01},
         {"body", absl::StrCat(R"({"error":{"message":"bad key )", kCanary, R"(","code":"x"}})")}});
    auto world = HarvestWorld::Start(std::move(options));
    ASSERT_TRUE(world.ok()) << world.status();
    const auto job = (*world)->WaitForHarvest(HangGuard());
    ASSERT_TRUE(job.ok()) << job.status();
    EXPECT_EQ(job->dump().find(kCanary), std::string::npos) << job->dump(2);
    const auto metrics = (*world)->cluster().Metrics();
    ASSERT_TRUE(metrics.ok()) << metrics.status();
    EXPECT_EQ(metrics->find(kCanary), std::string::npos);
    const size_t bytes = ExpectNoCanary((*world)->cluster().dir());
    std::cout << bytes << " bytes looked at" << std::endl;
    EXPECT_GT(bytes, 100'000u);
  });
}

// A crash while calls with the key are on the way, where the machine would keep cores.
TEST(SecretTest, ACrashLeavesNoCoreWithTheKey) {
  rlimit limit{};
  ASSERT_EQ(getrlimit(RLIMIT_CORE, &limit), 0);
  limit.rlim_cur = limit.rlim_max;
  ASSERT_EQ(setrlimit(RLIMIT_CORE, &limit), 0);
  RunRounds([](StableRandom& random) {
    HarvestOptions options;
    options.cluster.teacher_key = kCanary;
    options.script = {{"latency_ms", 50}};
    auto world = HarvestWorld::Start(std::move(options));
    ASSERT_TRUE(world.ok()) << world.status();
    Cluster& cluster = (*world)->cluster();
    ASSERT_TRUE((*world)->WaitUntilServed(1 + random.Below(30), HangGuard())) << cluster.Logs();
    for (const char* part : {"gateway", "cache"}) {
      Process* const process = cluster.process(part);
      process->Signal(SIGABRT);
      const auto code = process->Wait(HangGuard());
      ASSERT_TRUE(code.ok()) << code.status();
      EXPECT_EQ(*code, 128 + SIGABRT) << part;
      EXPECT_FALSE(process->dumped_core()) << part;
      ExpectNoCanary(cluster.dir());
    }
  });
}

}  // namespace
}  // namespace limbeck::testing
