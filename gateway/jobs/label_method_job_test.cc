// Whole jobs, one per way in which answers become labels: from rows through the cache's snapshots
// to the distributions that a trainer makes targets of.
#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/error_details.h"
#include "cache/records/job_labels.h"
#include "cache/records/record_codec.h"
#include "gateway/jobs/job_test_world.h"

namespace limbeck::gateway {
namespace {

using v1::ClassifyTask;

v1::JobSpec SpecOf(JobWorld& world, const std::string& dataset, ClassifyTask::LabelMethod method) {
  v1::JobSpec spec = world.Spec(dataset);
  spec.mutable_task()->mutable_classify()->set_label_method(method);
  return spec;
}

struct Item {
  cache::StreamItem item;
  cache::LabelDistribution labels;
};

// The training rows of a finished job as a trainer sees them.
std::vector<Item> TrainingItems(JobWorld& world, const std::string& job) {
  const auto plan = world.store().GetPlan(job).value().value();
  const cache::LabelReader reader = cache::MakeLabelReader(plan.spec()).value();
  std::vector<Item> items;
  for (cache::StreamItem& item : world.ReadSnapshot(plan.train_snapshot_id())) {
    std::vector<cache::SoftOutput> outputs;
    for (const std::string& record : item.records) {
      outputs.push_back(cache::DecodeRecord(record).value());
    }
    const auto labels = reader.Read(outputs);
    EXPECT_TRUE(labels.ok()) << labels.status();
    if (labels.ok()) items.push_back({std::move(item), *labels});
  }
  return items;
}

// The share of items whose likeliest label is the gold one.
double RightShare(const std::vector<Item>& items) {
  double right = 0;
  for (const Item& one : items)
    right += (one.labels.Best() == 0) == (one.item.example.gold == "good");
  return right / static_cast<double>(items.size());
}

std::string SourceOf(JobWorld& world, const std::string& job) {
  return world.store().GetReport(job).value()->data_facts().label_source();
}

std::string FieldOfRefusal(const absl::Status& status) {
  std::string fields;
  for (const FieldViolation& violation : GetFieldViolations(status)) fields += violation.field;
  return fields;
}

TEST(LabelMethodJobTest, AutomaticIsFirstTokenForATeacherWithLogprobs) {
  JobWorld world;
  world.AddWorker();
  const auto done =
      world.AwaitState(world.Create(world.Spec(world.Upload(40)))->id(), v1::JOB_STATE_SUCCEEDED);
  EXPECT_EQ(done.spec().task().classify().label_method(), ClassifyTask::LABEL_METHOD_FIRST_TOKEN);
  EXPECT_EQ(SourceOf(world, done.id()), "top_k");
  const std::vector<Item> items = TrainingItems(world, done.id());
  ASSERT_FALSE(items.empty());
  EXPECT_EQ(RightShare(items), 1.0);
  for (const Item& one : items) {
    EXPECT_EQ(one.labels.source, cache::LabelSource::kTopK);
    EXPECT_GT(one.labels.absent_bound, 0.0);
    EXPECT_LT(one.labels.absent_bound, 0.03);
  }
}

TEST(LabelMethodJobTest, ScoredLabelsTakeOneQueryEach) {
  JobWorld world({.scores_continuations = true});
  world.AddWorker();
  const auto done = world.AwaitState(
      world.Create(SpecOf(world, world.Upload(40), ClassifyTask::LABEL_METHOD_SCORED))->id(),
      v1::JOB_STATE_SUCCEEDED);
  EXPECT_EQ(done.progress().queries_total(), 80u);
  EXPECT_EQ(world.teacher().invoice().size(), 80u);
  EXPECT_EQ(SourceOf(world, done.id()), "scored");
  const std::vector<Item> items = TrainingItems(world, done.id());
  ASSERT_FALSE(items.empty());
  EXPECT_EQ(RightShare(items), 1.0);
  for (const Item& one : items) {
    EXPECT_EQ(one.item.records.size(), 2u);
    EXPECT_NEAR(one.labels.leftover, 0.03, 1e-3);
  }
}

// Answers of vLLM's shape to the scoring of `label` for a row whose text ends with `row`.
nlohmann::json ScoringFault(const std::string& row, const std::string& label, double logprob) {
  const auto token = [](double value, const std::string& text) {
    return nlohmann::json{{"logprob", value}, {"rank", 1}, {"decoded_token", text}};
  };
  const nlohmann::json body = {
      {"model", "m"},
      {"choices", {{{"index", 0}, {"message", {{"content", "."}}}, {"finish_reason", "length"}}}},
      {"prompt_token_ids", {1, 77, 100}},
      {"prompt_logprobs",
       {nullptr, {{"77", token(-0.5, "assistant\n")}}, {{"100", token(logprob, label)}}}},
      {"usage", {{"prompt_tokens", 40}, {"completion_tokens", 1}}}};
  return {{"kind", "body"},
          {"when_contains", absl::StrCat(row, "\\nAnswer:\",\"role\":\"user\"},{\"content\":\"",
                                         label, "\",\"role\":\"assistant\"}")},
          {"body", body.dump()}};
}

TEST(LabelMethodJobTest, ScoredLabelsAreReadOffPromptLogprobsOverHttp) {
  nlohmann::json script;
  for (const std::string row : {"good", "bad"}) {
    for (const std::string label : {"good", "bad"}) {
      script["faults"].push_back(ScoringFault(row, label, std::log(row == label ? 0.9 : 0.04)));
    }
  }
  JobWorld world({.kind = "vllm", .script = script.dump()});
  world.AddWorker();
  const auto done = world.AwaitState(
      world.Create(SpecOf(world, world.Upload(40), ClassifyTask::LABEL_METHOD_SCORED))->id(),
      v1::JOB_STATE_SUCCEEDED);
  EXPECT_EQ(done.progress().rows_rejected(), 0u);
  EXPECT_EQ(world.teacher().invoice().size(), 80u);
  EXPECT_EQ(SourceOf(world, done.id()), "scored");
  const std::vector<Item> items = TrainingItems(world, done.id());
  ASSERT_FALSE(items.empty());
  EXPECT_EQ(RightShare(items), 1.0);
  for (const Item& one : items) {
    EXPECT_NEAR(one.labels.probabilities[one.labels.Best()], 0.9, 1e-3);
    EXPECT_NEAR(one.labels.leftover, 0.06, 1e-3);
  }
}

TEST(LabelMethodJobTest, ScoredRowsWithoutMoneyForEveryLabelAreLeftOut) {
  JobWorld world({.input_price = 1'000'000, .scores_continuations = true});
  world.AddWorker();
  v1::JobSpec spec = SpecOf(world, world.Upload(40), ClassifyTask::LABEL_METHOD_SCORED);
  spec.mutable_budget()->set_on_exhausted(v1::Budget::ON_EXHAUSTED_TRAIN_WITH_PARTIAL);
  spec.mutable_budget()->set_ceiling_micro_usd(world.manager().Quote(spec)->high_micro_usd() / 4);
  const auto done = world.AwaitState(world.Create(spec)->id(), v1::JOB_STATE_SUCCEEDED);
  EXPECT_EQ(done.progress().rows_rejected(), 0u);
  const std::vector<Item> items = TrainingItems(world, done.id());
  ASSERT_FALSE(items.empty());
  EXPECT_LT(items.size(), 32u);
  for (const Item& one : items) EXPECT_EQ(one.item.records.size(), 2u);
}

TEST(LabelMethodJobTest, VotingStopsWhereTheLeadIsClear) {
  JobWorld world({.script = R"({"softness": 0.7})", .top_logprobs = false});
  world.AddWorker();
  v1::JobSpec spec = SpecOf(world, world.Upload(60), ClassifyTask::LABEL_METHOD_VOTES);
  v1::Voting* voting = spec.mutable_teachers(0)->mutable_voting();
  voting->set_min_votes(3);
  voting->set_max_votes(16);
  const auto done = world.AwaitState(world.Create(spec)->id(), v1::JOB_STATE_SUCCEEDED);
  EXPECT_EQ(done.progress().queries_total(), 60u * 16);
  EXPECT_EQ(SourceOf(world, done.id()), "votes");
  const std::vector<Item> items = TrainingItems(world, done.id());
  ASSERT_FALSE(items.empty());
  EXPECT_GT(RightShare(items), 0.9);
  std::map<uint32_t, int> by_votes;
  for (const Item& one : items) {
    ++by_votes[one.labels.answers];
    EXPECT_EQ(one.labels.answers, one.item.records.size());
  }
  // Unanimous rows stop at 4 of 4; others go on.
  EXPECT_EQ(by_votes.begin()->first, 4u);
  EXPECT_GT(by_votes.size(), 1u);
  EXPECT_LT(world.teacher().invoice().size(), 60u * 8);
}

// The same teacher, which often says something else when it may.
TEST(LabelMethodJobTest, VotesThatAreHeldToTheLabelsAllCount) {
  JobWorld world({.kind = "vllm", .script = R"({"softness": 2})", .top_logprobs = false});
  world.AddWorker();
  const std::string dataset = world.Upload(40);
  v1::JobSpec spec = SpecOf(world, dataset, ClassifyTask::LABEL_METHOD_VOTES);
  const auto named = [&](const std::string& job) {
    size_t votes = 0;
    size_t good = 0;
    for (const Item& one : TrainingItems(world, job)) {
      for (const std::string& record : one.item.records) {
        const std::string said = cache::DecodeRecord(record)->text;
        ++votes;
        good += said == "good" || said == "bad" ? 1 : 0;
      }
    }
    EXPECT_GT(votes, 0u);
    return static_cast<double>(good) / static_cast<double>(votes);
  };
  const auto held = world.AwaitState(world.Create(spec)->id(), v1::JOB_STATE_SUCCEEDED);
  EXPECT_TRUE(held.spec().task().classify().hold_votes_to_labels());
  EXPECT_EQ(named(held.id()), 1.0);
  spec.mutable_task()->mutable_classify()->set_hold_votes_to_labels(false);
  const auto free = world.AwaitState(world.Create(spec, "r2")->id(), v1::JOB_STATE_SUCCEEDED);
  EXPECT_LT(named(free.id()), 1.0);
}

TEST(LabelMethodJobTest, VotesBoughtBeforeDoNotChangeWhereVotingStops) {
  JobWorld world({.top_logprobs = false});
  world.AddWorker();
  const std::string dataset = world.Upload(30);
  v1::JobSpec fixed = SpecOf(world, dataset, ClassifyTask::LABEL_METHOD_VOTES);
  fixed.mutable_teachers(0)->set_votes(16);
  world.AwaitState(world.Create(fixed, "r1")->id(), v1::JOB_STATE_SUCCEEDED);
  const size_t bought = world.teacher().invoice().size();
  v1::JobSpec voted = SpecOf(world, dataset, ClassifyTask::LABEL_METHOD_VOTES);
  voted.mutable_teachers(0)->mutable_voting()->set_max_votes(16);
  const auto done = world.AwaitState(world.Create(voted, "r2")->id(), v1::JOB_STATE_SUCCEEDED);
  EXPECT_EQ(world.teacher().invoice().size(), bought);
  EXPECT_EQ(done.progress().queries_bought(), 0u);
  bool spared = false;
  for (const Item& one : TrainingItems(world, done.id())) {
    EXPECT_EQ(one.item.records.size(), 16u);
    spared = spared || one.labels.answers < 16u;
  }
  EXPECT_TRUE(spared);
}

TEST(LabelMethodJobTest, VotingGoesOnAfterARestartWithoutBuyingTwice) {
  JobWorld world({.script = R"({"latency_ms": 5})",
                  .input_price = 1'000'000,
                  .max_concurrent = 4,
                  .top_logprobs = false});
  v1::JobSpec spec = SpecOf(world, world.Upload(50), ClassifyTask::LABEL_METHOD_VOTES);
  spec.mutable_teachers(0)->mutable_voting()->set_max_votes(12);
  const auto job = world.Create(spec);
  world.Await(job->id(), [](const auto& j) { return j.progress().queries_bought() > 60; });
  world.StopGateway();
  world.StartGateway();
  world.AddWorker();
  world.AwaitState(job->id(), v1::JOB_STATE_SUCCEEDED);
  std::set<std::string> asked;
  for (const testing::InvoiceLine& line : world.teacher().invoice()) {
    asked.insert(line.key + line.idempotency_key);
  }
  EXPECT_EQ(asked.size(), world.teacher().invoice().size());
  // No row has more votes than it needed, whoever asked for them.
  for (const Item& one : TrainingItems(world, job->id())) {
    EXPECT_EQ(one.labels.answers, one.item.records.size());
  }
}

TEST(LabelMethodJobTest, VotingNeverPassesTheBudgetAndResumesWhenItIsRaised) {
  JobWorld world({.input_price = 1'000'000, .top_logprobs = false});
  world.AddWorker();
  v1::JobSpec spec = SpecOf(world, world.Upload(40), ClassifyTask::LABEL_METHOD_VOTES);
  spec.mutable_teachers(0)->mutable_voting()->set_max_votes(16);
  spec.mutable_smoke()->set_rows(0);
  const auto quote = world.manager().Quote(spec);
  ASSERT_TRUE(quote.ok()) << quote.status();
  EXPECT_LT(quote->low_micro_usd() * 3, quote->high_micro_usd());
  // Enough for a job that goes as expected, and less than this one turns out to need.
  spec.mutable_budget()->set_ceiling_micro_usd(quote->likely_micro_usd());
  const auto job = world.Create(spec);
  ASSERT_TRUE(job.ok()) << job.status();
  const auto paused = world.AwaitState(job->id(), v1::JOB_STATE_PAUSED);
  EXPECT_EQ(paused.pause_reason(), v1::PAUSE_REASON_BUDGET);
  EXPECT_LE(world.Spend(job->id()).spent_micro_usd, quote->likely_micro_usd());
  ASSERT_TRUE(world.manager().UpdateCeiling(job->id(), quote->high_micro_usd()).ok());
  ASSERT_TRUE(world.manager().Resume(job->id()).ok());
  const auto done = world.AwaitState(job->id(), v1::JOB_STATE_SUCCEEDED);
  EXPECT_EQ(world.Spend(done.id()).answers_bought, world.teacher().invoice().size());
}

TEST(LabelMethodJobTest, StatedNumbersAreCalibratedOnValidationRows) {
  JobWorld world;
  world.AddWorker();
  v1::JobSpec spec = SpecOf(world, world.Upload(200), ClassifyTask::LABEL_METHOD_VERBALISED);
  spec.mutable_method()->set_validation_share(0.3);
  const auto done = world.AwaitState(world.Create(spec)->id(), v1::JOB_STATE_SUCCEEDED);
  EXPECT_EQ(world.teacher().invoice().size(), 200u);
  EXPECT_EQ(SourceOf(world, done.id()), "verbalised");
  const ClassifyTask::Calibration& fit = done.spec().task().classify().calibration();
  const auto facts = world.store().GetReport(done.id()).value()->data_facts();
  EXPECT_EQ(fit.gold_rows(), facts.validation_rows());
  // The teacher is always right and states less than certainty.
  EXPECT_LT(fit.temperature(), 1.0);
  EXPECT_LT(fit.loss_after(), fit.loss_before());
  for (const Item& one : TrainingItems(world, done.id())) {
    const double likeliest = one.labels.probabilities[one.labels.Best()];
    const double stated = one.labels.stated[one.labels.Best()];
    EXPECT_GT(likeliest, stated / (one.labels.stated[0] + one.labels.stated[1]));
  }
}

TEST(LabelMethodJobTest, TooFewGoldRowsLeaveStatedNumbersAsTheyAre) {
  JobWorld world;
  world.AddWorker();
  v1::JobSpec spec = SpecOf(world, world.Upload(40), ClassifyTask::LABEL_METHOD_VERBALISED);
  spec.mutable_task()->mutable_classify()->mutable_calibration()->set_temperature(5);
  const auto done = world.AwaitState(world.Create(spec)->id(), v1::JOB_STATE_SUCCEEDED);
  const ClassifyTask::Calibration& fit = done.spec().task().classify().calibration();
  EXPECT_LT(fit.gold_rows(), 20u);
  EXPECT_EQ(fit.temperature(), 1.0);
}

TEST(LabelMethodJobTest, SchemaAnswersAreVotes) {
  // A sure teacher, since three votes of an unsure one differ by chance.
  JobWorld world({.script = R"({"softness": 0.2})", .top_logprobs = false});
  world.AddWorker();
  v1::JobSpec spec = SpecOf(world, world.Upload(30), ClassifyTask::LABEL_METHOD_SCHEMA);
  spec.mutable_teachers(0)->set_votes(3);
  const auto done = world.AwaitState(world.Create(spec)->id(), v1::JOB_STATE_SUCCEEDED);
  EXPECT_EQ(world.teacher().invoice().size(), 90u);
  EXPECT_EQ(SourceOf(world, done.id()), "schema");
  const std::vector<Item> items = TrainingItems(world, done.id());
  EXPECT_GT(RightShare(items), 0.9);
  for (const Item& one : items) EXPECT_EQ(one.labels.answers, 3u);
}

TEST(LabelMethodJobTest, AnswersThatDoNotValidateAreRejected) {
  for (const auto method :
       {ClassifyTask::LABEL_METHOD_SCHEMA, ClassifyTask::LABEL_METHOD_VERBALISED}) {
    JobWorld world({.script = R"({"faults": [{"kind": "garbage"}]})"});
    const auto job = world.Create(SpecOf(world, world.Upload(40), method));
    const auto paused = world.AwaitState(job->id(), v1::JOB_STATE_PAUSED);
    EXPECT_EQ(paused.pause_reason(), v1::PAUSE_REASON_REJECTIONS);
    const auto rejections = world.store().ListRejections(job->id(), 100, "");
    ASSERT_FALSE(rejections->items.empty());
    EXPECT_EQ(rejections->items[0].reason(), "SCHEMA_INVALID");
    EXPECT_TRUE(absl::StrContains(rejections->items[0].detail(), "lorem ipsum"));
  }
}

TEST(LabelMethodJobTest, AMethodThatTheTeacherCannotDoIsRefusedWithAdvice) {
  JobWorld world({.top_logprobs = false});
  const std::string dataset = world.Upload(20);
  const auto first = world.Create(SpecOf(world, dataset, ClassifyTask::LABEL_METHOD_FIRST_TOKEN));
  EXPECT_EQ(FieldOfRefusal(first.status()), "task.classify.label_method");
  EXPECT_TRUE(absl::StrContains(first.status().message(), "LABEL_METHOD_VOTES")) << first.status();
  const auto scored = world.Create(SpecOf(world, dataset, ClassifyTask::LABEL_METHOD_SCORED));
  EXPECT_EQ(FieldOfRefusal(scored.status()), "task.classify.label_method");
  EXPECT_TRUE(absl::StrContains(scored.status().message(), "prompt logprobs")) << scored.status();
  v1::JobSpec voting = SpecOf(world, dataset, ClassifyTask::LABEL_METHOD_VERBALISED);
  voting.mutable_teachers(0)->mutable_voting();
  EXPECT_EQ(FieldOfRefusal(world.Create(voting).status()), "teachers[0].voting");
}

}  // namespace
}  // namespace limbeck::gateway
