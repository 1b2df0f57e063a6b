// Whole jobs against a real cache and a local teacher.
#include "gateway/jobs/job_manager.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "base/error_details.h"
#include "gateway/jobs/job_phases.h"
#include "gateway/jobs/job_test_world.h"

namespace limbeck::gateway {
namespace {

size_t DistinctServed(testing::FakeTeacher& teacher) {
  std::set<std::string> keys;
  for (const testing::InvoiceLine& line : teacher.invoice()) keys.insert(line.key);
  return keys.size();
}

TEST(JobManagerTest, RunsAJobFromRowsToAStudentWithAReport) {
  JobWorld world;
  world.AddWorker();
  const auto job = world.Create(world.Spec(world.Upload(60)));
  ASSERT_TRUE(job.ok()) << job.status();
  const v1::DistillationJob done = world.AwaitState(job->id(), v1::JOB_STATE_SUCCEEDED);
  EXPECT_EQ(done.verdict(), v1::VERDICT_ACCEPT);
  for (const v1::Phase& phase : done.phases()) {
    EXPECT_EQ(phase.status(), v1::PHASE_STATUS_DONE) << phase.ShortDebugString();
  }
  EXPECT_EQ(done.progress().queries_total(), 60u);
  EXPECT_EQ(done.progress().queries_bought(), 60u);
  EXPECT_EQ(done.progress().queries_cached(), 0u);
  EXPECT_EQ(world.teacher().invoice().size(), 60u);
  const auto report = world.store().GetReport(job->id());
  ASSERT_TRUE(report.ok() && report->has_value());
  const v1::DataFacts& facts = (*report)->data_facts();
  EXPECT_EQ(facts.train_rows() + facts.validation_rows() + facts.held_out_rows(), 60u);
  std::set<std::string> files;
  EXPECT_TRUE(world.artifacts()
                  .Read(job->id(),
                        [&](const v1::ArtifactChunk& chunk) {
                          files.insert(chunk.name());
                          return absl::OkStatus();
                        })
                  .ok());
  EXPECT_EQ(files, (std::set<std::string>{"model.safetensors", "report.json"}));
}

TEST(JobManagerTest, VotesComeFromATeacherWithoutLogprobs) {
  JobWorld world({.top_logprobs = false});
  world.AddWorker();
  v1::JobSpec spec = world.Spec(world.Upload(20));
  spec.mutable_teachers(0)->set_votes(3);
  const v1::DistillationJob done =
      world.AwaitState(world.Create(spec)->id(), v1::JOB_STATE_SUCCEEDED);
  EXPECT_EQ(done.progress().queries_total(), 60u);
  EXPECT_EQ(world.store().GetReport(done.id()).value()->data_facts().label_source(), "votes");
}

TEST(JobManagerTest, QuoteAndHarvestFollowTheExpansion) {
  JobWorld world;
  world.AddWorker();
  v1::JobSpec spec = world.Spec(world.Upload(40));
  v1::Expansion* expansion = spec.mutable_data()->mutable_expansion();
  for (const char* tone : {"formal", "casual"}) {
    (*expansion->mutable_grid())["tone"].add_values()->set_string_value(tone);
  }
  spec.mutable_data()->mutable_prompt()->set_system("Be {{ tone }}.");
  expansion->mutable_few_shot()->set_count(2);
  expansion->mutable_few_shot()->set_user("{{ text }}");
  const auto quote = world.manager().Quote(spec);
  ASSERT_TRUE(quote.ok()) << quote.status();
  ASSERT_TRUE(quote->allowed()) << quote->ShortDebugString();
  // Training rows twice, held-out and validation rows once.
  EXPECT_GT(quote->queries(), 50u);
  EXPECT_LT(quote->queries(), 80u);
  const v1::DistillationJob done =
      world.AwaitState(world.Create(spec)->id(), v1::JOB_STATE_SUCCEEDED);
  EXPECT_EQ(done.progress().queries_total(), quote->queries());
  EXPECT_EQ(done.progress().queries_bought(), quote->to_buy());
  EXPECT_EQ(DistinctServed(world.teacher()), quote->to_buy());
  EXPECT_EQ(world.manager().Quote(spec)->cached(), quote->queries());
}

TEST(JobManagerTest, TooSmallAFewShotPoolIsAFaultOfTheJob) {
  JobWorld world;
  v1::JobSpec spec = world.Spec(world.Upload(20));
  v1::FewShot* few_shot = spec.mutable_data()->mutable_expansion()->mutable_few_shot();
  few_shot->set_count(30);
  few_shot->set_user("{{ text }}");
  const auto refused = world.Create(spec);
  EXPECT_EQ(refused.status().code(), absl::StatusCode::kInvalidArgument);
  ASSERT_EQ(GetFieldViolations(refused.status()).size(), 1u) << refused.status();
  EXPECT_EQ(GetFieldViolations(refused.status())[0].field, "data.expansion.few_shot");
}

TEST(JobManagerTest, AllFaultsOfASpecAndItsRowsComeAtOnce) {
  JobWorld world;
  v1::JobSpec spec = world.Spec(world.Upload(4));
  spec.mutable_data()->mutable_prompt()->set_user("{{ gloss }}");
  spec.mutable_method()->mutable_hard_weight()->set_start(1.5);
  spec.mutable_task()->mutable_classify()->add_labels()->set_name("good");
  spec.mutable_teachers(0)->set_teacher("nobody");
  const auto refused = world.Create(spec);
  EXPECT_EQ(refused.status().code(), absl::StatusCode::kInvalidArgument);
  std::set<std::string> fields;
  for (const FieldViolation& violation : GetFieldViolations(refused.status())) {
    fields.insert(violation.field);
  }
  EXPECT_TRUE(fields.contains("data.prompt.user")) << refused.status();
  EXPECT_TRUE(fields.contains("method.hard_weight.start"));
  EXPECT_TRUE(fields.contains("task.classify.labels[2].name"));
  EXPECT_TRUE(fields.contains("teachers[0].teacher"));
  EXPECT_TRUE(absl::StrContains(refused.status().message(), "fake"));
  const auto quote = world.manager().Quote(spec);
  ASSERT_TRUE(quote.ok());
  EXPECT_FALSE(quote->allowed());
  EXPECT_GE(quote->reasons_size(), 4);
}

TEST(JobManagerTest, UnknownGoldLabelNamesItsRow) {
  JobWorld world;
  v1::JobSpec spec = world.Spec(world.Upload(6, {R"({"text": "odd one", "label": "ugly"})"}));
  spec.mutable_method()->set_hard_labels(v1::HARD_LABEL_SOURCE_GOLD);
  const auto refused = world.Create(spec);
  EXPECT_TRUE(absl::StrContains(refused.status().message(), "train row 7 has \"ugly\""))
      << refused.status();
  EXPECT_EQ(GetReason(refused.status())->reason, "ROW_INVALID");
}

TEST(JobManagerTest, TeacherWithoutPermissionIsRefusedWithItsReason) {
  JobWorld world({.trainable = false});
  const auto refused = world.Create(world.Spec(world.Upload(20)));
  EXPECT_EQ(refused.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(GetReason(refused.status())->reason, "TEACHER_FORBIDS_TRAINING");
}

TEST(JobManagerTest, CeilingBelowTheLikelyCostIsRefusedWithNumbers) {
  JobWorld world({.input_price = 1'000'000, .output_price = 1'000'000});
  v1::JobSpec spec = world.Spec(world.Upload(30));
  const auto quote = world.manager().Quote(spec);
  ASSERT_TRUE(quote.ok()) << quote.status();
  EXPECT_GT(quote->low_micro_usd(), 0);
  EXPECT_GE(quote->high_micro_usd(), quote->low_micro_usd());
  spec.mutable_budget()->set_ceiling_micro_usd(quote->likely_micro_usd() - 1);
  const auto refused = world.Create(spec);
  EXPECT_EQ(GetReason(refused.status())->reason, "BUDGET_EXCEEDED");
  EXPECT_TRUE(
      absl::StrContains(refused.status().message(), absl::StrCat(quote->likely_micro_usd())));
}

TEST(JobManagerTest, QuoteForAnotherSpecIsStale) {
  JobWorld world;
  v1::JobSpec spec = world.Spec(world.Upload(30));
  v1::CreateDistillationJobRequest request;
  request.set_quote_id(world.manager().Quote(spec)->id());
  request.set_request_id("r1");
  request.set_validate_only(true);
  *request.mutable_spec() = spec;
  EXPECT_TRUE(world.manager().Create(request).ok());
  request.mutable_spec()->mutable_method()->set_epochs(3);
  EXPECT_EQ(GetReason(world.manager().Create(request).status())->reason, "QUOTE_STALE");
  EXPECT_TRUE(world.store().List(10, "")->items.empty());
}

TEST(JobManagerTest, BudgetIsNeverPassedAndRaisingItGoesOn) {
  JobWorld world({.script = R"({"latency_ms": 50})",
                  .input_price = 1'000'000,
                  .output_price = 1'000'000,
                  .max_concurrent = 16});
  world.AddWorker();
  v1::JobSpec spec = world.Spec(world.Upload(200));
  spec.mutable_smoke()->set_rows(0);
  const int64_t high = world.manager().Quote(spec)->high_micro_usd();
  const auto job = world.Create(spec);
  ASSERT_TRUE(job.ok()) << job.status();
  // Lowered while nothing is under way, to what a few more rows cost.
  ASSERT_TRUE(world.manager().Pause(job->id()).ok());
  world.AwaitNoThreads();
  const int64_t ceiling = world.Spend(job->id()).spent_micro_usd + high / 10;
  ASSERT_TRUE(world.manager().UpdateCeiling(job->id(), ceiling).ok());
  EXPECT_FALSE(
      world.manager().UpdateCeiling(job->id(), world.Spend(job->id()).spent_micro_usd - 1).ok());
  ASSERT_TRUE(world.manager().Resume(job->id()).ok());
  const v1::DistillationJob paused = world.AwaitState(job->id(), v1::JOB_STATE_PAUSED);
  EXPECT_EQ(paused.pause_reason(), v1::PAUSE_REASON_BUDGET);
  EXPECT_LE(world.Spend(job->id()).spent_micro_usd, ceiling);
  EXPECT_GT(world.Spend(job->id()).spent_micro_usd, ceiling - high / 20);
  EXPECT_EQ(world.Spend(job->id()).reserved_micro_usd, 0);
  EXPECT_LT(world.teacher().invoice().size(), 200u);
  ASSERT_TRUE(world.manager().UpdateCeiling(job->id(), 2 * high).ok());
  ASSERT_TRUE(world.manager().Resume(job->id()).ok());
  world.AwaitState(job->id(), v1::JOB_STATE_SUCCEEDED);
  EXPECT_EQ(world.teacher().invoice().size(), 200u);
}

TEST(JobManagerTest, PartialTrainingUsesWhatTheMoneyBought) {
  JobWorld world({.input_price = 1'000'000, .output_price = 1'000'000});
  world.AddWorker();
  v1::JobSpec spec = world.Spec(world.Upload(60));
  const auto quote = world.manager().Quote(spec);
  spec.mutable_budget()->set_on_exhausted(v1::Budget::ON_EXHAUSTED_TRAIN_WITH_PARTIAL);
  // The last queries are refused while a call's upper bound does not fit.
  spec.mutable_budget()->set_ceiling_micro_usd(quote->likely_micro_usd() * 3 / 4);
  const v1::DistillationJob done =
      world.AwaitState(world.Create(spec)->id(), v1::JOB_STATE_SUCCEEDED);
  EXPECT_LE(world.Spend(done.id()).spent_micro_usd, spec.budget().ceiling_micro_usd());
  const v1::DataFacts& facts = world.store().GetReport(done.id()).value()->data_facts();
  EXPECT_LT(facts.train_rows() + facts.validation_rows() + facts.held_out_rows(), 60u);
  EXPECT_GT(facts.train_rows(), 0u);
}

TEST(JobManagerTest, SmokeTestStopsABadPromptAfterItsFirstRows) {
  JobWorld world({.script = R"({"faults": [{"kind": "garbage"}]})"});
  v1::JobSpec spec = world.Spec(world.Upload(200));
  spec.mutable_smoke()->set_rows(10);
  const auto job = world.Create(spec);
  const v1::DistillationJob paused = world.AwaitState(job->id(), v1::JOB_STATE_PAUSED);
  EXPECT_EQ(paused.pause_reason(), v1::PAUSE_REASON_REJECTIONS);
  EXPECT_EQ(world.teacher().invoice().size(), 10u);
  const auto rejections = world.store().ListRejections(job->id(), 100, "");
  ASSERT_EQ(rejections->items.size(), 10u);
  EXPECT_EQ(rejections->items[0].reason(), "NO_LOGPROBS");
  EXPECT_EQ(rejections->items[0].row(), 1u);
}

TEST(JobManagerTest, TooManyRejectionsPauseAndResumingGoesOnWithoutThem) {
  JobWorld world({.script = R"({"faults": [{"kind": "refusal", "ratio": 0.3}]})"});
  world.AddWorker();
  v1::JobSpec spec = world.Spec(world.Upload(100));
  spec.mutable_smoke()->set_rows(0);
  const auto job = world.Create(spec);
  const v1::DistillationJob paused = world.AwaitState(job->id(), v1::JOB_STATE_PAUSED);
  EXPECT_EQ(paused.pause_reason(), v1::PAUSE_REASON_REJECTIONS);
  ASSERT_TRUE(world.manager().Resume(job->id()).ok());
  const v1::DistillationJob done = world.AwaitState(job->id(), v1::JOB_STATE_SUCCEEDED);
  EXPECT_GT(done.progress().rows_rejected(), 10u);
  EXPECT_EQ(world.teacher().invoice().size(), DistinctServed(world.teacher()));
  const v1::DataFacts& facts = world.store().GetReport(done.id()).value()->data_facts();
  EXPECT_EQ(
      facts.train_rows() + facts.validation_rows() + facts.held_out_rows() + facts.rejected_rows(),
      100u);
}

TEST(JobManagerTest, TeacherThatRefusesServicePausesTheJob) {
  JobWorld world({.script = R"({"faults": [{"kind": "billing", "when_contains": "gloss 20"}]})"});
  world.AddWorker();
  const auto job = world.Create(world.Spec(world.Upload(60)));
  const v1::DistillationJob paused = world.AwaitState(job->id(), v1::JOB_STATE_PAUSED);
  EXPECT_EQ(paused.pause_reason(), v1::PAUSE_REASON_TEACHER);
  EXPECT_TRUE(absl::StrContains(paused.pause_message(), "fake")) << paused.pause_message();
  EXPECT_EQ(world.Spend(job->id()).reserved_micro_usd, 0);
}

TEST(JobManagerTest, CallsCutOnTheWireAreAmbiguousAndPaidOnceMore) {
  JobWorld world({.script = R"({"faults": [{"kind": "reset_mid", "ratio": 0.3,
                               "first_attempts": 1}]})",
                  .input_price = 1'000'000});
  world.AddWorker();
  const v1::DistillationJob done =
      world.AwaitState(world.Create(world.Spec(world.Upload(60)))->id(), v1::JOB_STATE_SUCCEEDED);
  const cache::AccountState account = world.Spend(done.id());
  EXPECT_EQ(account.answers_bought, 60u);
  EXPECT_GT(account.calls_ambiguous, 0u);
  EXPECT_EQ(world.teacher().invoice().size() - DistinctServed(world.teacher()),
            account.calls_ambiguous);
}

TEST(JobManagerTest, AHedgedCallIsBookedAsAmbiguousAndDoesNotHoldUpTheJob) {
  JobWorld world({.script = R"({"faults": [{"kind": "hang", "when_contains": "STUCK",
                               "first_attempts": 1}]})",
                  .input_price = 1'000'000});
  world.AddWorker();
  v1::JobSpec spec = world.Spec(world.Upload(60, {R"({"text": "STUCK good", "label": "good"})"}));
  spec.mutable_teachers(0)->mutable_hedge()->set_after_milliseconds(100);
  const v1::DistillationJob done =
      world.AwaitState(world.Create(spec)->id(), v1::JOB_STATE_SUCCEEDED);
  const cache::AccountState account = world.Spend(done.id());
  EXPECT_EQ(account.answers_bought, 61u);
  const size_t excess = world.teacher().invoice().size() - DistinctServed(world.teacher());
  EXPECT_GE(excess, 1u);
  EXPECT_GE(account.calls_ambiguous, excess);
}

TEST(JobManagerTest, PauseStopsAndResumeFinishesWithoutBuyingTwice) {
  JobWorld world({.script = R"({"latency_ms": 20})", .max_concurrent = 2});
  world.AddWorker();
  const auto job = world.Create(world.Spec(world.Upload(80)));
  world.Await(job->id(), [](const auto& j) { return j.progress().queries_bought() > 5; });
  ASSERT_TRUE(world.manager().Pause(job->id()).ok());
  EXPECT_EQ(world.manager().Pause(job->id()).status().code(),
            absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(world.store().Get(job->id())->pause_reason(), v1::PAUSE_REASON_USER);
  ASSERT_TRUE(world.manager().Resume(job->id()).ok());
  world.AwaitState(job->id(), v1::JOB_STATE_SUCCEEDED);
  EXPECT_EQ(world.teacher().invoice().size(), 80u);
}

TEST(JobManagerTest, CancelEndsAJobWherever) {
  JobWorld world({.script = R"({"latency_ms": 20})", .max_concurrent = 2});
  const auto job = world.Create(world.Spec(world.Upload(200)));
  world.Await(job->id(), [](const auto& j) { return j.progress().queries_bought() > 2; });
  ASSERT_TRUE(world.manager().Cancel(job->id()).ok());
  world.AwaitState(job->id(), v1::JOB_STATE_CANCELLED);
  EXPECT_LT(world.teacher().invoice().size(), 200u);
  EXPECT_EQ(world.Spend(job->id()).reserved_micro_usd, 0);
  EXPECT_EQ(world.manager().Cancel(job->id()).status().code(),
            absl::StatusCode::kFailedPrecondition);
}

TEST(JobManagerTest, RestartedGatewayFinishesAJobUnaided) {
  JobWorld world({.script = R"({"latency_ms": 10})", .max_concurrent = 4});
  const auto job = world.Create(world.Spec(world.Upload(100)));
  world.Await(job->id(), [](const auto& j) { return j.progress().queries_bought() > 20; });
  world.StopGateway();
  world.StartGateway();
  world.AddWorker();
  const v1::DistillationJob done = world.AwaitState(job->id(), v1::JOB_STATE_SUCCEEDED);
  EXPECT_EQ(done.progress().queries_bought(), 100u);
  EXPECT_EQ(world.teacher().invoice().size(), 100u);
}

TEST(JobManagerTest, AStopGivesUpCallsThatHangAndBooksThem) {
  JobWorld world({.script = R"({"faults": [{"kind": "hang", "when_contains": "STUCK",
                               "first_attempts": 1}]})",
                  .input_price = 1'000'000,
                  .drain_for = absl::Milliseconds(200)});
  const auto job =
      world.Create(world.Spec(world.Upload(40, {R"({"text": "STUCK good", "label": "good"})"})));
  world.Await(job->id(), [](const auto& j) { return j.progress().queries_bought() == 40; });
  const absl::Time told = absl::Now();
  world.StopGateway();
  EXPECT_LT(absl::Now() - told, absl::Seconds(20));
  world.StartGateway();
  world.AddWorker();
  const v1::DistillationJob done = world.AwaitState(job->id(), v1::JOB_STATE_SUCCEEDED);
  EXPECT_EQ(done.progress().calls_ambiguous(), 1u);
  const cache::AccountState account = world.Spend(job->id());
  EXPECT_EQ(account.calls_ambiguous, 1u);
  EXPECT_EQ(account.answers_bought, 41u);
  EXPECT_EQ(world.teacher().invoice().size(), 42u);
}

TEST(JobManagerTest, RestartDuringTrainingTrainsOnTheSamePlan) {
  JobWorld world;
  const auto job = world.Create(world.Spec(world.Upload(40)));
  world.Await(job->id(), [](const auto& j) {
    return PhaseStatusOf(j, v1::PHASE_KIND_TRAIN) == v1::PHASE_STATUS_RUNNING;
  });
  const auto plan = world.store().GetPlan(job->id());
  world.StopGateway();
  world.StartGateway();
  world.AddWorker();
  world.AwaitState(job->id(), v1::JOB_STATE_SUCCEEDED);
  EXPECT_EQ((*world.store().GetPlan(job->id()))->train_snapshot_id(), (*plan)->train_snapshot_id());
}

TEST(JobManagerTest, NothingIsBoughtWhileTheCacheIsAway) {
  JobWorld world({.script = R"({"latency_ms": 5})", .max_concurrent = 2});
  world.AddWorker();
  const auto job = world.Create(world.Spec(world.Upload(80)));
  world.Await(job->id(), [](const auto& j) { return j.progress().queries_bought() > 5; });
  world.cache().Stop();
  // The memory engine forgets, so this only shows that buying stops: no more than what was claimed.
  const size_t before = world.teacher().requests();
  ASSERT_TRUE(world.manager().Pause(job->id()).ok());
  EXPECT_LE(world.teacher().requests(), before + 4);
  world.cache().Start();
}

TEST(JobManagerTest, TextThatIsHeldOutIsNeverTrainedOnAndDuplicatesCountOnce) {
  JobWorld world;
  world.AddWorker();
  v1::JobSpec spec = world.Spec(world.Upload(30, {R"({"text": "GLOSS  0 good", "label": "good"})",
                                                  R"({"text": "x good", "label": "good"})"}));
  spec.mutable_data()->mutable_held_out()->set_id(
      world.Upload(4, {R"({"text": "fresh good", "label": "good"})"}));
  const v1::DistillationJob done =
      world.AwaitState(world.Create(spec)->id(), v1::JOB_STATE_SUCCEEDED);
  const v1::DataFacts& facts = world.store().GetReport(done.id()).value()->data_facts();
  EXPECT_EQ(facts.held_out_rows(), 5u);
  // 30 rows without the four held out, and the one fresh extra row.
  EXPECT_EQ(facts.train_rows() + facts.validation_rows(), 27u);
}

}  // namespace
}  // namespace limbeck::gateway
