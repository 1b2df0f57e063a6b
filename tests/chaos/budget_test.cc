// Ceilings far below what is wanted, with many calls at once (row 19 of the reliability plan).
#include <gtest/gtest.h>

#include <algorithm>
#include <iostream>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "cache/client/accounts.h"
#include "tests/chaos/chaos.h"
#include "tests/chaos/harvest_world.h"
#include "tests/chaos/money_watch.h"

namespace limbeck::testing {
namespace {

constexpr const char* kTeam = "team/default";
constexpr uint32_t kAtOnce = 64;

HarvestOptions Crowd() {
  HarvestOptions options;
  options.cluster.max_concurrency = kAtOnce;
  options.job.smoke_rows = 0;
  options.job.train_with_partial = true;
  options.script = {{"latency_ms", 20}, {"latency_jitter_ms", 40}};
  return options;
}

// What the teacher would charge for what it served, at the least: a call has some input.
constexpr int64_t kLeastPrice = 20;

void ExpectWithin(const MoneyWatch& watch, int64_t ceiling) {
  const cache::AccountState end = watch.Now();
  std::cout << "ceiling " << ceiling << ", most seen " << watch.most() << " in " << watch.looks()
            << " looks, spent " << end.spent_micro_usd << std::endl;
  EXPECT_LE(watch.most(), ceiling);
  EXPECT_LE(end.spent_micro_usd, ceiling);
  EXPECT_EQ(end.reserved_micro_usd, 0);
  EXPECT_GT(end.spent_micro_usd, 0) << "nothing was bought";
}

TEST(BudgetTest, AJobNeverPassesItsCeiling) {
  RunRounds([](StableRandom& random) {
    HarvestOptions options = Crowd();
    // The whole job would cost some 15,000.
    options.job.ceiling_micro_usd = 3'000 + static_cast<int64_t>(random.Below(5'000));
    const int64_t ceiling = options.job.ceiling_micro_usd;
    auto world = HarvestWorld::Start(std::move(options));
    ASSERT_TRUE(world.ok()) << world.status();
    const MoneyWatch watch((*world)->cluster().cache_target(),
                           absl::StrCat("job/", (*world)->job_id()));
    const auto job = (*world)->WaitForHarvest(HangGuard());
    ASSERT_TRUE(job.ok()) << job.status();
    ExpectWithin(watch, ceiling);
    EXPECT_GT(Count((*job)["progress"], "spent_micro_usd"), ceiling / 2)
        << "the ceiling was hardly used";
    EXPECT_LT((*world)->Served(), (*world)->rows());
  });
}

// Two gateways, each with a job of its own for the same team, and room for a call or a few.
void CrowdTwoGateways(HarvestOptions options, const std::string& account, int64_t ceiling) {
  options.cluster.gateways = 2;
  DefinitionsJob other = options.job;
  other.question = "What is this about?";
  auto world = HarvestWorld::Start(std::move(options));
  ASSERT_TRUE(world.ok()) << world.status();
  Cluster& cluster = (*world)->cluster();
  const MoneyWatch watch(cluster.cache_target(), account);
  cluster.UseGateway("gateway-1");
  const auto file = WriteJob(other, cluster.dir() / "other");
  ASSERT_TRUE(file.ok()) << file.status();
  const auto id = CreateJob(cluster, *file);
  ASSERT_TRUE(id.ok()) << id.status();
  const auto ended = [&](const std::string& gateway, const std::string& job) {
    cluster.UseGateway(gateway);
    return HarvestOf(cluster, job, HangGuard()).status();
  };
  EXPECT_TRUE(ended("gateway-1", *id).ok()) << cluster.Logs();
  EXPECT_TRUE(ended("gateway", (*world)->job_id()).ok()) << cluster.Logs();
  ExpectWithin(watch, ceiling);
  EXPECT_LE(static_cast<int64_t>((*world)->Served()) * kLeastPrice, ceiling);
  EXPECT_TRUE(cluster.CheckAlive().ok());
}

TEST(BudgetTest, TwoGatewaysNeverPassTheirTeamsCeiling) {
  RunRounds([](StableRandom& random) {
    HarvestOptions options = Crowd();
    const int64_t ceiling = 400 + static_cast<int64_t>(random.Below(1'200));
    options.job.ceiling_micro_usd = ceiling;
    options.cluster.team_ceiling_micro_usd = ceiling;
    CrowdTwoGateways(std::move(options), kTeam, ceiling);
  });
}

TEST(BudgetTest, TwoGatewaysNeverPassTheirTeamsMonth) {
  RunRounds([](StableRandom& random) {
    HarvestOptions options = Crowd();
    const int64_t ceiling = 400 + static_cast<int64_t>(random.Below(1'200));
    options.cluster.team_month_ceiling_micro_usd = ceiling;
    CrowdTwoGateways(std::move(options), cache::MonthAccount(kTeam, absl::Now()), ceiling);
  });
}

// Every call is served, billed and lost on its way back, and asked again.
TEST(BudgetTest, RetriesSpendFromTheSameCeiling) {
  RunRounds([](StableRandom& random) {
    HarvestOptions options = Crowd();
    options.job.ceiling_micro_usd = 3'000 + static_cast<int64_t>(random.Below(5'000));
    options.job.max_rejected_share = 1;
    options.cluster.max_attempts = 20;
    options.script["faults"] = {{{"kind", "reset_mid"}}};
    const int64_t ceiling = options.job.ceiling_micro_usd;
    auto world = HarvestWorld::Start(std::move(options));
    ASSERT_TRUE(world.ok()) << world.status();
    const MoneyWatch watch((*world)->cluster().cache_target(),
                           absl::StrCat("job/", (*world)->job_id()));
    const auto job = (*world)->WaitForHarvest(HangGuard());
    ASSERT_TRUE(job.ok()) << job.status();
    ExpectWithin(watch, ceiling);
    EXPECT_LE((*world)->Served(), watch.Now().calls_ambiguous);
  });
}

// The bound of one call is most of the ceiling, whatever it will use.
TEST(BudgetTest, HugeAnswersAreReservedBeforeTheyAreAskedFor) {
  RunRounds([](StableRandom&) {
    constexpr int64_t kCeiling = 800'000;
    HarvestOptions options = Crowd();
    options.cluster.teacher_in_process = true;
    options.job.max_tokens = 65'536;  // The most that a job may ask for: 327,680 micro-USD.
    options.job.ceiling_micro_usd = kCeiling;
    auto world = HarvestWorld::Start(std::move(options));
    ASSERT_TRUE(world.ok()) << world.status();
    const MoneyWatch watch((*world)->cluster().cache_target(),
                           absl::StrCat("job/", (*world)->job_id()));
    ASSERT_TRUE((*world)->WaitUntilServed(20, HangGuard())) << (*world)->cluster().Logs();
    EXPECT_LE(watch.most(), kCeiling);
    EXPECT_LE((*world)->cluster().teacher()->connections(), 2u);
  });
}

}  // namespace
}  // namespace limbeck::testing
