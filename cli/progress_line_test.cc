#include "cli/progress_line.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

namespace limbeck::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

v1::DistillationJob Job(v1::PhaseKind running) {
  v1::DistillationJob job;
  job.set_state(v1::JOB_STATE_RUNNING);
  for (int kind = v1::PHASE_KIND_SMOKE; kind <= v1::PHASE_KIND_EXPORT; ++kind) {
    auto* phase = job.add_phases();
    phase->set_kind(static_cast<v1::PhaseKind>(kind));
    phase->set_status(kind < running    ? v1::PHASE_STATUS_DONE
                      : kind == running ? v1::PHASE_STATUS_RUNNING
                                        : v1::PHASE_STATUS_PENDING);
  }
  return job;
}

TEST(ProgressLineTest, ShowsQueriesAndMoneyWhileHarvesting) {
  auto job = Job(v1::PHASE_KIND_HARVEST);
  auto* progress = job.mutable_progress();
  progress->set_queries_total(2000);
  progress->set_queries_bought(812);
  progress->set_queries_cached(30);
  progress->set_rows_rejected(3);
  progress->set_spent_micro_usd(120'000);
  progress->set_ceiling_micro_usd(1'000'000);
  progress->set_percent(42);
  progress->set_seconds_left(190);
  const std::string text = ProgressText(job);
  EXPECT_THAT(text, HasSubstr("HARVEST"));
  EXPECT_THAT(text, HasSubstr(" 42 %"));
  EXPECT_THAT(text, HasSubstr("bought 812, cached 30, rejected 3 of 2,000 queries"));
  EXPECT_THAT(text, HasSubstr("$0.12 of $1.00"));
  EXPECT_THAT(text, HasSubstr("3m10s left"));
  EXPECT_THAT(text, Not(HasSubstr("ambiguous")));
  EXPECT_THAT(text, Not(HasSubstr("in all")));
  progress->set_projected_low_micro_usd(290'000);
  progress->set_projected_high_micro_usd(310'000);
  EXPECT_THAT(ProgressText(job), HasSubstr("$0.12 of $1.00, $0.29 to $0.31 in all  3m10s left"));
  job.set_state(v1::JOB_STATE_CANCELLED);
  EXPECT_THAT(ProgressText(job), Not(HasSubstr("in all")));
}

TEST(ProgressLineTest, ShowsStepsAndLossWhileTraining) {
  auto job = Job(v1::PHASE_KIND_TRAIN);
  auto* progress = job.mutable_progress();
  progress->set_steps_done(120);
  progress->set_steps_total(600);
  progress->set_train_loss(0.4312);
  progress->set_workers(2);
  const std::string text = ProgressText(job);
  EXPECT_THAT(text, HasSubstr("TRAIN"));
  EXPECT_THAT(text, HasSubstr("step 120 of 600, loss 0.4312, workers 2"));
}

TEST(ProgressLineTest, NamesTheStateWhereNoPhaseIsAtWork) {
  v1::DistillationJob job;
  job.set_state(v1::JOB_STATE_QUEUED);
  EXPECT_EQ(StageName(job), "QUEUED");
  job = Job(v1::PHASE_KIND_HARVEST);
  job.set_state(v1::JOB_STATE_PAUSED);
  EXPECT_EQ(StageName(job), "PAUSED");
}

TEST(ProgressLineTest, BarFitsItsColumnsWhateverThePercentage) {
  auto job = Job(v1::PHASE_KIND_HARVEST);
  for (const double percent : {-5.0, 0.0, 50.0, 250.0, std::numeric_limits<double>::quiet_NaN()}) {
    job.mutable_progress()->set_percent(percent);
    EXPECT_LE(ProgressBar(job, 60).size(), 60u);
  }
  job.mutable_progress()->set_percent(50);
  EXPECT_THAT(ProgressBar(job, 200), HasSubstr("[##########----------]"));
}

}  // namespace
}  // namespace limbeck::cli
