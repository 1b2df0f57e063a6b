// Whole jobs whose votes are asked for several to a call.
#include <gtest/gtest.h>

#include <set>
#include <string>

#include "cache/records/record_codec.h"
#include "gateway/jobs/job_test_world.h"

namespace limbeck::gateway {
namespace {

constexpr int kRows = 40;

v1::JobSpec Votes(JobWorld& world, uint32_t votes) {
  v1::JobSpec spec = world.Spec(world.Upload(kRows));
  spec.mutable_task()->mutable_classify()->set_label_method(v1::ClassifyTask::LABEL_METHOD_VOTES);
  spec.mutable_teachers(0)->set_votes(votes);
  return spec;
}

std::vector<cache::StreamItem> TrainingItems(JobWorld& world, const std::string& job) {
  return world.ReadSnapshot(world.store().GetPlan(job).value().value().train_snapshot_id());
}

TEST(VotesTogetherJobTest, EachRowIsOneCallAndEachAnswerASampleOfItsOwn) {
  JobWorld world({.input_price = 1'000'000,
                  .output_price = 1'000'000,
                  .top_logprobs = false,
                  .answers_per_call = 8,
                  .gives_several_answers = true});
  world.AddWorker();
  const v1::JobSpec spec = Votes(world, 8);
  const auto quote = world.manager().Quote(spec);
  ASSERT_TRUE(quote.ok()) << quote.status();
  const auto done = world.AwaitState(world.Create(spec)->id(), v1::JOB_STATE_SUCCEEDED);
  EXPECT_EQ(done.progress().queries_bought(), kRows * 8u);
  EXPECT_EQ(world.teacher().invoice().size(), static_cast<size_t>(kRows));
  const cache::AccountState spend = world.Spend(done.id());
  EXPECT_EQ(spend.answers_bought, kRows * 8u);
  EXPECT_EQ(spend.reserved_micro_usd, 0);
  EXPECT_LE(spend.spent_micro_usd, quote->high_micro_usd());
  // The prompt counts once: the records' usage sums up to a call's.
  for (const cache::StreamItem& item : TrainingItems(world, done.id())) {
    ASSERT_EQ(item.records.size(), 8u);
    uint64_t input = 0;
    std::set<std::string> texts;
    for (const std::string& record : item.records) {
      const auto output = cache::DecodeRecord(record);
      ASSERT_TRUE(output.ok()) << output.status();
      input += output->usage.input_tokens;
      texts.insert(output->text);
    }
    EXPECT_GT(input, 8u);
    EXPECT_LT(input, 60u);
  }
}

TEST(VotesTogetherJobTest, WhatItCostsIsTheCallsAndNoMore) {
  const auto spent = [](uint32_t per_call) {
    JobWorld world({.input_price = 1'000'000,
                    .top_logprobs = false,
                    .answers_per_call = per_call,
                    .gives_several_answers = per_call > 1});
    world.AddWorker();
    const auto done =
        world.AwaitState(world.Create(Votes(world, 8))->id(), v1::JOB_STATE_SUCCEEDED);
    return world.Spend(done.id()).spent_micro_usd;
  };
  EXPECT_EQ(spent(1), 8 * spent(8));
}

TEST(VotesTogetherJobTest, VotingStopsEarlyInRoundsOfOneCall) {
  JobWorld world({.top_logprobs = false, .answers_per_call = 128, .gives_several_answers = true});
  world.AddWorker();
  v1::JobSpec spec = Votes(world, 0);
  spec.mutable_teachers(0)->mutable_voting()->set_min_votes(4);
  spec.mutable_teachers(0)->mutable_voting()->set_max_votes(18);
  const auto done = world.AwaitState(world.Create(spec)->id(), v1::JOB_STATE_SUCCEEDED);
  size_t calls = 0;
  std::set<size_t> sizes;
  for (const cache::StreamItem& item : TrainingItems(world, done.id())) {
    calls += (item.records.size() + 3) / 4;
    sizes.insert(item.records.size());
    EXPECT_TRUE(item.records.size() % 4 == 0 || item.records.size() == 18u);
  }
  EXPECT_GT(sizes.size(), 1u);
  EXPECT_LT(*sizes.begin(), 18u);
  // Held-out rows were asked for too.
  EXPECT_GE(world.teacher().invoice().size(), calls);
  EXPECT_LT(world.teacher().invoice().size() * 2, done.progress().queries_bought());
}

TEST(VotesTogetherJobTest, ATeacherThatGivesOneAnswerIsAskedOneByOne) {
  JobWorld world({.input_price = 1'000'000, .top_logprobs = false, .answers_per_call = 8});
  world.AddWorker();
  const auto done = world.AwaitState(world.Create(Votes(world, 8))->id(), v1::JOB_STATE_SUCCEEDED);
  EXPECT_EQ(done.progress().queries_bought(), kRows * 8u);
  const cache::AccountState spend = world.Spend(done.id());
  EXPECT_EQ(spend.answers_bought, world.teacher().invoice().size());
  EXPECT_EQ(spend.reserved_micro_usd, 0);
  EXPECT_EQ(spend.ambiguous_micro_usd, 0);
}

TEST(VotesTogetherJobTest, ARefusedNumberOfAnswersIsNoFaultOfTheRow) {
  JobWorld world({.script = R"({"faults": [{"kind": "status", "status": 400,
                                            "when_contains": "\"n\":"}]})",
                  .top_logprobs = false,
                  .answers_per_call = 4});
  world.AddWorker();
  const auto done = world.AwaitState(world.Create(Votes(world, 4))->id(), v1::JOB_STATE_SUCCEEDED);
  EXPECT_EQ(done.progress().rows_rejected(), 0u);
  EXPECT_EQ(world.teacher().invoice().size(), kRows * 4u);
}

TEST(VotesTogetherJobTest, ARowThatIsRefusedLeavesTheOthersTogether) {
  JobWorld world({.script = R"({"faults": [{"kind": "status", "status": 400,
                                            "when_contains": "gloss 7 "}]})",
                  .top_logprobs = false,
                  .answers_per_call = 4,
                  .gives_several_answers = true});
  world.AddWorker();
  const auto done = world.AwaitState(world.Create(Votes(world, 4))->id(), v1::JOB_STATE_SUCCEEDED);
  EXPECT_EQ(done.progress().rows_rejected(), 1u);
  EXPECT_EQ(world.teacher().invoice().size(), kRows - 1u);
}

TEST(VotesTogetherJobTest, ACutAnswerIsAmbiguousForEachOfItsVotes) {
  JobWorld world({.script = R"({"faults": [{"kind": "reset_mid", "first_attempts": 1,
                                            "ratio": 0.2}]})",
                  .input_price = 1'000'000,
                  .top_logprobs = false,
                  .answers_per_call = 4,
                  .gives_several_answers = true});
  world.AddWorker();
  const auto done = world.AwaitState(world.Create(Votes(world, 4))->id(), v1::JOB_STATE_SUCCEEDED);
  size_t cut = 0;
  for (const testing::InvoiceLine& line : world.teacher().invoice()) cut += line.note != "served";
  EXPECT_GT(cut, 0u);
  const cache::AccountState spend = world.Spend(done.id());
  EXPECT_EQ(spend.calls_ambiguous, 4 * cut);
  EXPECT_EQ(spend.answers_bought, kRows * 4u);
  EXPECT_EQ(spend.reserved_micro_usd, 0);
  EXPECT_EQ(world.teacher().invoice().size(), kRows + cut);
}

TEST(VotesTogetherJobTest, CutAnswersWithLittleMoneyLeaveNothingReserved) {
  JobWorld world({.script = R"({"faults": [{"kind": "reset_mid", "first_attempts": 1,
                                            "ratio": 0.5}]})",
                  .input_price = 1'000'000,
                  .top_logprobs = false,
                  .answers_per_call = 4,
                  .gives_several_answers = true});
  world.AddWorker();
  v1::JobSpec spec = Votes(world, 4);
  spec.mutable_smoke()->set_rows(0);
  spec.mutable_budget()->set_on_exhausted(v1::Budget::ON_EXHAUSTED_TRAIN_WITH_PARTIAL);
  const int64_t ceiling = world.manager().Quote(spec)->high_micro_usd() / 3;
  spec.mutable_budget()->set_ceiling_micro_usd(ceiling);
  const auto done = world.AwaitState(world.Create(spec)->id(), v1::JOB_STATE_SUCCEEDED);
  const cache::AccountState spend = world.Spend(done.id());
  EXPECT_LE(spend.spent_micro_usd, ceiling);
  EXPECT_EQ(spend.reserved_micro_usd, 0);
  EXPECT_GT(spend.ambiguous_micro_usd, 0);
}

}  // namespace
}  // namespace limbeck::gateway
