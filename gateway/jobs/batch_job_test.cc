// Whole jobs that buy by batch, with the teacher's own invoice beside ours.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <set>

#include "absl/strings/str_cat.h"
#include "gateway/jobs/job_test_world.h"

namespace limbeck::gateway {
namespace {

using Kind = cache::InvoiceEntry::Kind;
using ::testing::HasSubstr;

constexpr int kRows = 60;
constexpr size_t kSmokeRows = 16;

BatchLimits QuickLimits() {
  BatchLimits limits;
  limits.max_requests = 1000;
  limits.gather = absl::Milliseconds(50);
  limits.poll = absl::Milliseconds(10);
  limits.park = absl::Milliseconds(10);
  limits.lookup_wait = absl::Milliseconds(10);
  limits.retry = {.initial = absl::Milliseconds(5), .max = absl::Milliseconds(50)};
  return limits;
}

JobWorldOptions ByBatch(const std::string& batch = "{}", BatchLimits limits = QuickLimits()) {
  JobWorldOptions options;
  options.script = absl::StrCat(R"({"batch":)", batch, "}");
  options.input_price = 1'000'000;
  options.output_price = 1'000'000;
  options.batch = limits;
  return options;
}

v1::JobSpec Spec(JobWorld& world, int rows = kRows) {
  v1::JobSpec spec = world.Spec(world.Upload(rows));
  spec.mutable_teachers(0)->set_purchase(v1::TeacherUse::PURCHASE_BATCH);
  return spec;
}

std::map<Kind, int> Lines(JobWorld& world, const std::string& job) {
  std::map<Kind, int> counts;
  const auto total =
      world.cache_client().ReadInvoice(JobAccount(job), [&](const cache::InvoiceEntry& entry) {
        ++counts[entry.kind];
        return absl::OkStatus();
      });
  EXPECT_TRUE(total.ok()) << total.status();
  return counts;
}

void AwaitBatch(JobWorld& world, const std::string& job) {
  world.Await(job, [&](const v1::DistillationJob&) { return world.teacher().batches() > 0; });
}

// No query was served twice.
void ExpectBoughtOnce(JobWorld& world) {
  std::set<std::string> distinct;
  for (const testing::InvoiceLine& line : world.teacher().invoice()) {
    EXPECT_TRUE(distinct.insert(line.key).second);
  }
  EXPECT_EQ(distinct.size(), size_t{kRows});
}

TEST(BatchJobTest, ASmokeTestByCallsThenOneBatchAtHalfThePrice) {
  JobWorld world(ByBatch());
  world.AddWorker();
  const auto quote = world.manager().Quote(Spec(world));
  ASSERT_TRUE(quote.ok()) << quote.status();
  EXPECT_TRUE(quote->by_batch());
  EXPECT_THAT(quote->time_limit(), HasSubstr("24 h"));
  EXPECT_EQ(quote->seconds_high(), 86'400.0);
  const std::string id = world.Create(Spec(world))->id();
  world.AwaitState(id, v1::JOB_STATE_SUCCEEDED);
  EXPECT_EQ(world.teacher().batches(), 1u);
  ExpectBoughtOnce(world);
  EXPECT_TRUE(world.batches().List(id)->empty());

  int64_t by_calls = 0;
  int64_t by_batch = 0;
  int64_t tokens_by_calls = 0;
  int64_t tokens_by_batch = 0;
  ASSERT_TRUE(world.cache_client()
                  .ReadInvoice(JobAccount(id),
                               [&](const cache::InvoiceEntry& entry) {
                                 if (entry.kind != Kind::kBought) return absl::OkStatus();
                                 const bool batch = entry.row.find("batch") != std::string::npos;
                                 (batch ? by_batch : by_calls) += entry.micro_usd;
                                 (batch ? tokens_by_batch : tokens_by_calls) +=
                                     static_cast<int64_t>(entry.usage.input_tokens +
                                                          entry.usage.output_tokens);
                                 return absl::OkStatus();
                               })
                  .ok());
  // A micro-USD per token of either kind by calls; by batch half, each part rounded up.
  EXPECT_EQ(by_calls, tokens_by_calls);
  EXPECT_GE(2 * by_batch, tokens_by_batch);
  EXPECT_LE(2 * by_batch, tokens_by_batch + 2 * kRows);
  EXPECT_EQ(Lines(world, id)[Kind::kBought], kRows);
  const cache::AccountState spend = world.Spend(id);
  EXPECT_EQ(spend.spent_micro_usd, by_calls + by_batch);
  EXPECT_EQ(spend.reserved_micro_usd, 0);
  EXPECT_LE(spend.spent_micro_usd, quote->high_micro_usd());
}

TEST(BatchJobTest, ManySmallBatchesTwoAtATime) {
  BatchLimits limits = QuickLimits();
  limits.max_requests = 5;
  JobWorld world(ByBatch("{}", limits));
  world.AddWorker();
  const std::string id = world.Create(Spec(world))->id();
  world.AwaitState(id, v1::JOB_STATE_SUCCEEDED);
  EXPECT_GE(world.teacher().batches(), (kRows - kSmokeRows) / 5);
  ExpectBoughtOnce(world);
}

// Tricky case 25, through a whole job.
TEST(BatchJobTest, TrickyCase25ExpiredMessyBrokenResultsAreReconciledAndTheRestIsBoughtAgain) {
  JobWorld world(ByBatch(R"({"end":"expired","unanswered":2,"missing":1,"messy":true,
                             "broken_downloads":1})"));
  world.AddWorker();
  const std::string id = world.Create(Spec(world))->id();
  world.AwaitState(id, v1::JOB_STATE_SUCCEEDED);
  EXPECT_GT(world.teacher().batches(), 1u);
  ExpectBoughtOnce(world);
  const std::map<Kind, int> lines = Lines(world, id);
  EXPECT_EQ(lines.at(Kind::kBought), kRows);
  EXPECT_GE(lines.at(Kind::kUnused), 3);
  EXPECT_FALSE(lines.contains(Kind::kAmbiguous));
}

TEST(BatchJobTest, ACreationWhoseAnswerIsLostIsFoundNotRepeated) {
  JobWorld world(ByBatch(R"({"lost_creations":1})"));
  world.AddWorker();
  const std::string id = world.Create(Spec(world))->id();
  world.AwaitState(id, v1::JOB_STATE_SUCCEEDED);
  EXPECT_EQ(world.teacher().batches(), 1u);
  ExpectBoughtOnce(world);
}

TEST(BatchJobTest, AnAccountWithoutRoomIsWaitedFor) {
  JobWorld world(ByBatch(R"({"end":"no_room","times":2})"));
  world.AddWorker();
  const std::string id = world.Create(Spec(world))->id();
  world.AwaitState(id, v1::JOB_STATE_SUCCEEDED);
  EXPECT_EQ(world.teacher().batches(), 1u);
  ExpectBoughtOnce(world);
}

TEST(BatchJobTest, ARefusedBatchPausesTheJobAndCostsNothing) {
  JobWorld world(ByBatch(R"({"end":"failed"})"));
  const std::string id = world.Create(Spec(world))->id();
  const v1::DistillationJob job = world.AwaitState(id, v1::JOB_STATE_PAUSED);
  EXPECT_EQ(job.pause_reason(), v1::PAUSE_REASON_TEACHER);
  EXPECT_THAT(job.pause_message(), HasSubstr("refused a batch"));
  world.AwaitNoThreads();
  EXPECT_EQ(world.teacher().invoice().size(), kSmokeRows);
  EXPECT_EQ(world.Spend(id).reserved_micro_usd, 0);
}

// A batch that runs while the gateway is away.
TEST(BatchJobTest, ARestartedGatewaySettlesTheBatchThatIsAtTheProvider) {
  JobWorld world(ByBatch(R"({"polls":400})"));
  world.AddWorker();
  const std::string id = world.Create(Spec(world))->id();
  AwaitBatch(world, id);
  world.StopGateway();
  EXPECT_GT(world.Spend(id).reserved_micro_usd, 0);
  EXPECT_EQ(world.teacher().invoice().size(), kSmokeRows);
  world.StartGateway();
  world.AddWorker();
  world.AwaitState(id, v1::JOB_STATE_SUCCEEDED);
  EXPECT_EQ(world.teacher().batches(), 1u);
  ExpectBoughtOnce(world);
  EXPECT_EQ(world.Spend(id).reserved_micro_usd, 0);
  EXPECT_EQ(world.Spend(id).calls_ambiguous, 0u);
}

TEST(BatchJobTest, APausedJobLeavesItsBatchAndFindsItAgain) {
  JobWorld world(ByBatch(R"({"polls":400})"));
  world.AddWorker();
  const std::string id = world.Create(Spec(world))->id();
  AwaitBatch(world, id);
  ASSERT_TRUE(world.manager().Pause(id).ok());
  world.AwaitNoThreads();
  EXPECT_EQ(world.batches().List(id)->size(), 1u);
  ASSERT_TRUE(world.manager().Resume(id).ok());
  world.AwaitState(id, v1::JOB_STATE_SUCCEEDED);
  EXPECT_EQ(world.teacher().batches(), 1u);
  ExpectBoughtOnce(world);
}

TEST(BatchJobTest, ACancelledJobEndsItsBatchAndKeepsWhatWasAnswered) {
  JobWorld world(ByBatch(R"({"polls":-1,"unanswered":10})"));
  const std::string id = world.Create(Spec(world))->id();
  AwaitBatch(world, id);
  ASSERT_TRUE(world.manager().Cancel(id).ok());
  world.AwaitState(id, v1::JOB_STATE_CANCELLED);
  EXPECT_TRUE(world.batches().List(id)->empty());
  const std::map<Kind, int> lines = Lines(world, id);
  EXPECT_EQ(lines.at(Kind::kBought), kRows - 10);
  EXPECT_EQ(lines.at(Kind::kUnused), 10);
  EXPECT_EQ(world.Spend(id).reserved_micro_usd, 0);
}

TEST(BatchJobTest, WhatDoesNotFitIsRefusedAtOnce) {
  JobWorld plain;
  const auto refused = plain.Create(Spec(plain));
  EXPECT_THAT(std::string(refused.status().message()), HasSubstr("takes no batches"));
  JobWorld world(ByBatch());
  v1::JobSpec spec = Spec(world);
  spec.mutable_teachers(0)->mutable_hedge()->set_after_milliseconds(100);
  spec.mutable_teachers(0)->mutable_voting()->set_max_votes(8);
  const auto both = world.Create(spec);
  EXPECT_THAT(std::string(both.status().message()), HasSubstr("teachers[0].hedge"));
  EXPECT_THAT(std::string(both.status().message()), HasSubstr("teachers[0].voting"));
}

}  // namespace
}  // namespace limbeck::gateway
