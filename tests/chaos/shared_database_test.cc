// Two gateways, a cache before each, one PostgreSQL server behind all: what several processes share
// holds across them (contracts 1 and 5 of the design, rows 14 and 19 of the reliability plan).
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <iostream>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "tests/chaos/books.h"
#include "tests/chaos/chaos.h"
#include "tests/chaos/harvest_world.h"
#include "tests/chaos/money_watch.h"
#include "tests/support/postgres_server.h"

namespace limbeck::testing {
namespace {

constexpr absl::Duration kPatience = absl::Seconds(120);

class SharedDatabaseTest : public ::testing::Test {
 protected:
  void Start(HarvestOptions options) {
    if (database_ == nullptr) {
      auto database = PostgresServer::Start({});
      ASSERT_TRUE(database.ok()) << database.status();
      database_ = *std::move(database);
    }
    // Rounds share nothing.
    const std::string schema = absl::StrCat("round_", ++rounds_);
    const auto made = database_->Sql(absl::StrCat("CREATE SCHEMA ", schema));
    ASSERT_TRUE(made.ok()) << made.status();
    options.cluster.database = database_->ConnectionString(schema);
    options.cluster.gateways = 2;
    other_ = options.job;
    world_.reset();
    auto world = HarvestWorld::Start(std::move(options));
    ASSERT_TRUE(world.ok()) << world.status();
    world_ = *std::move(world);
  }

  Cluster& cluster() { return world_->cluster(); }

  // Creates the same job, or one with another question, at the second gateway.
  void CreateOther(const std::string& question = "") {
    if (!question.empty()) other_.question = question;
    cluster().UseGateway("gateway-1");
    const auto file = WriteJob(other_, cluster().dir() / "other");
    ASSERT_TRUE(file.ok()) << file.status();
    const auto id = CreateJob(cluster(), *file);
    ASSERT_TRUE(id.ok()) << id.status() << cluster().Logs();
    other_id_ = *id;
  }

  // Both jobs once they are harvested: the first gateway's and the second's.
  void AwaitBoth() {
    cluster().UseGateway("gateway-1");
    auto second = HarvestOf(cluster(), other_id_, kPatience);
    ASSERT_TRUE(second.ok()) << second.status();
    second_ = *std::move(second);
    cluster().UseGateway("gateway");
    auto first = HarvestOf(cluster(), world_->job_id(), kPatience);
    ASSERT_TRUE(first.ok()) << first.status();
    first_ = *std::move(first);
  }

  std::unique_ptr<PostgresServer> database_;
  std::unique_ptr<HarvestWorld> world_;
  nlohmann::json first_, second_;

 private:
  int rounds_ = 0;
  DefinitionsJob other_;
  std::string other_id_;
};

HarvestOptions Options() {
  HarvestOptions options;
  options.job.smoke_rows = 0;
  options.script = {{"latency_ms", 10}, {"latency_jitter_ms", 20}};
  return options;
}

TEST_F(SharedDatabaseTest, TwoGatewaysBuyEachAnswerOnce) {
  RunRounds([this](StableRandom&) {
    Start(Options());
    CreateOther();
    AwaitBoth();
    const auto invoice = cluster().Invoice();
    ASSERT_TRUE(invoice.ok()) << invoice.status();
    std::cout << "served " << invoice->size() << " for two jobs of " << world_->rows() << std::endl;
    EXPECT_EQ(invoice->size(), world_->rows()) << cluster().Logs();
    EXPECT_EQ(Excess(*invoice), 0u);
    for (const nlohmann::json& job : {first_, second_}) {
      EXPECT_EQ(Count(job["progress"], "calls_ambiguous"), 0);
      EXPECT_EQ(Count(job["progress"], "reserved_micro_usd"), 0);
    }
    EXPECT_TRUE(cluster().CheckAlive().ok());
  });
}

TEST_F(SharedDatabaseTest, TheTeamsCeilingHoldsOverTwoCaches) {
  RunRounds([this](StableRandom& random) {
    HarvestOptions options = Options();
    const int64_t ceiling = 400 + static_cast<int64_t>(random.Below(1'200));
    options.cluster.max_concurrency = 64;
    options.cluster.team_ceiling_micro_usd = ceiling;
    options.job.ceiling_micro_usd = ceiling;
    options.job.train_with_partial = true;
    Start(std::move(options));
    const MoneyWatch watch(cluster().cache_target(), "team/default");
    CreateOther("What is this about?");
    AwaitBoth();
    const cache::AccountState end = watch.Now();
    std::cout << "ceiling " << ceiling << ", most seen " << watch.most() << " in " << watch.looks()
              << " looks, spent " << end.spent_micro_usd << std::endl;
    EXPECT_LE(watch.most(), ceiling);
    EXPECT_LE(end.spent_micro_usd, ceiling);
    EXPECT_GT(end.spent_micro_usd, 0);
    EXPECT_EQ(end.reserved_micro_usd, 0);
  });
}

// Requests that the teacher has and has not answered.
struct AtOnce {
  std::atomic<int> now{0};
  std::atomic<int> most{0};

  void See(Stage stage) {
    if (stage == Stage::kReceived) {
      const int count = ++now;
      int seen = most;
      while (count > seen && !most.compare_exchange_weak(seen, count)) {
      }
    } else if (stage == Stage::kSent) {
      --now;
    }
  }
};

TEST_F(SharedDatabaseTest, CallsAtOnceOfBothGatewaysStayWithinTheirPool) {
  RunRounds([this](StableRandom& random) {
    AtOnce calls;
    HarvestOptions options = Options();
    const uint32_t limit = 2 + static_cast<uint32_t>(random.Below(6));
    options.cluster.max_concurrency = limit;
    options.cluster.pool_yaml = ", shared: true, claim_seconds: 2";
    options.cluster.teacher_in_process = true;
    options.cluster.watcher = [&calls](Stage stage, const HttpRequest&) { calls.See(stage); };
    Start(std::move(options));
    CreateOther("What is this about?");
    AwaitBoth();
    std::cout << "limit " << limit << ", most at once " << calls.most << std::endl;
    EXPECT_LE(calls.most, static_cast<int>(limit));
    EXPECT_GT(calls.most, 1);
    world_.reset();
  });
}

TEST_F(SharedDatabaseTest, NothingIsBoughtWhileTheDatabaseIsAwayAndAllGoesOnAfterwards) {
  RunRounds([this](StableRandom& random) {
    Start(Options());
    CreateOther();
    ASSERT_TRUE(world_->WaitUntilServed(1 + random.Below(world_->rows() / 2), kPatience));
    database_->Kill();
    // What was claimed before may still be sent; then it is quiet.
    size_t served = world_->Served();
    for (int quiet = 0; quiet < 10; ++quiet) {
      absl::SleepFor(absl::Milliseconds(100));
      if (world_->Served() != served) quiet = 0;
      served = world_->Served();
    }
    EXPECT_LT(served, world_->rows());
    ASSERT_TRUE(database_->Restart().ok());
    AwaitBoth();
    const auto invoice = cluster().Invoice();
    ASSERT_TRUE(invoice.ok()) << invoice.status();
    const int64_t ambiguous = Count(first_["progress"], "calls_ambiguous") +
                              Count(second_["progress"], "calls_ambiguous");
    std::cout << "away at " << served << " of " << world_->rows() << ", served " << invoice->size()
              << ", ambiguous " << ambiguous << std::endl;
    EXPECT_EQ(invoice->size() - Excess(*invoice), world_->rows()) << cluster().Logs();
    EXPECT_LE(static_cast<int64_t>(Excess(*invoice)), ambiguous) << cluster().Logs();
    EXPECT_TRUE(cluster().CheckAlive().ok());
  });
}

}  // namespace
}  // namespace limbeck::testing
