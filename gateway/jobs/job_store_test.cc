#include "gateway/jobs/job_store.h"

#include <gtest/gtest.h>

#include <memory>
#include <thread>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/file.h"
#include "base/kv/open.h"
#include "gateway/jobs/job_phases.h"
#include "gateway/jobs/state_machine.h"

namespace limbeck::gateway {
namespace {

class JobStoreTest : public testing::Test {
 protected:
  JobStoreTest() { Reopen(); }

  void Reopen() {
    store_.reset();
    engine_.reset();
    auto engine =
        kv::Open({.path = (directory_.path() / "kv").string(), .tables = JobStore::Tables()});
    ASSERT_TRUE(engine.ok()) << engine.status();
    engine_ = *std::move(engine);
    store_ = std::make_unique<JobStore>(engine_.get(), &clock_);
  }

  v1::DistillationJob CreateJob(const std::string& request_id) {
    v1::JobSpec spec;
    spec.set_display_name("glosses");
    spec.mutable_smoke()->set_rows(4);
    auto job = store_->Create("default", request_id, spec);
    EXPECT_TRUE(job.ok()) << job.status();
    clock_.Advance(absl::Seconds(1));
    return *std::move(job);
  }

  absl::StatusOr<v1::DistillationJob> SetState(const std::string& id, v1::JobState state,
                                               std::string_view message = "changed") {
    return store_->Update(
        id,
        [&](v1::DistillationJob* job) {
          job->set_state(state);
          return absl::OkStatus();
        },
        message);
  }

  absl::StatusOr<v1::DistillationJob> Progress(const std::string& id, uint64_t bought) {
    return store_->Update(id, [&](v1::DistillationJob* job) {
      job->mutable_progress()->set_queries_bought(bought);
      return absl::OkStatus();
    });
  }

  ScopedTempDirectory directory_;
  FakeClock clock_;
  std::unique_ptr<kv::Engine> engine_;
  std::unique_ptr<JobStore> store_;
};

TEST_F(JobStoreTest, JobIsQueuedWithAllPhasesAndSurvivesReopening) {
  const v1::DistillationJob made = CreateJob("r1");
  EXPECT_EQ(made.id().size(), 4 + 16u);
  EXPECT_EQ(made.state(), v1::JOB_STATE_QUEUED);
  EXPECT_EQ(made.phases_size(), 5);
  Reopen();
  const auto read = store_->Get(made.id());
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->SerializeAsString(), made.SerializeAsString());
  EXPECT_EQ(store_->ListUnfinished()->size(), 1u);
}

TEST_F(JobStoreTest, SameRequestIdGivesTheSameJobAndAnotherSpecIsRefused) {
  const v1::DistillationJob made = CreateJob("r1");
  EXPECT_EQ(CreateJob("r1").id(), made.id());
  v1::JobSpec other = made.spec();
  other.set_display_name("other");
  EXPECT_EQ(store_->Create("default", "r1", other).status().code(),
            absl::StatusCode::kAlreadyExists);
  EXPECT_NE(store_->Create("team-b", "r1", other)->id(), made.id());
}

TEST_F(JobStoreTest, ParallelCreatesWithOneRequestIdMakeOneJob) {
  std::vector<std::string> ids(8);
  std::vector<std::thread> threads;
  for (size_t i = 0; i < ids.size(); ++i) {
    threads.emplace_back([&, i] { ids[i] = store_->Create("default", "same", {})->id(); });
  }
  for (std::thread& thread : threads) thread.join();
  for (const std::string& id : ids) EXPECT_EQ(id, ids[0]);
  EXPECT_EQ(store_->List(10, "")->items.size(), 1u);
}

TEST_F(JobStoreTest, ListsNewestFirstInPages) {
  std::vector<std::string> ids;
  for (int i = 0; i < 5; ++i) ids.push_back(CreateJob(absl::StrCat("r", i)).id());
  std::vector<std::string> seen;
  std::string token;
  do {
    const auto page = store_->List(2, token);
    ASSERT_TRUE(page.ok()) << page.status();
    for (const v1::DistillationJob& job : page->items) seen.push_back(job.id());
    token = page->next_token;
  } while (!token.empty());
  EXPECT_EQ(seen, std::vector<std::string>(ids.rbegin(), ids.rend()));
  EXPECT_EQ(store_->List(1001, "").status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(store_->List(1, "zz").status().code(), absl::StatusCode::kInvalidArgument);
}

TEST_F(JobStoreTest, ForbiddenTransitionChangesNothing) {
  const std::string id = CreateJob("r1").id();
  const auto refused = SetState(id, v1::JOB_STATE_SUCCEEDED);
  EXPECT_EQ(refused.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(store_->Get(id)->state(), v1::JOB_STATE_QUEUED);
  EXPECT_EQ(store_->Get(id)->revision(), 1u);
}

TEST_F(JobStoreTest, TerminalStateSetsTheEndAndNeedsNoRunner) {
  const std::string id = CreateJob("r1").id();
  ASSERT_TRUE(SetState(id, v1::JOB_STATE_RUNNING).ok());
  const auto done = SetState(id, v1::JOB_STATE_SUCCEEDED);
  ASSERT_TRUE(done.ok()) << done.status();
  EXPECT_TRUE(done->has_end_time());
  EXPECT_TRUE(store_->ListUnfinished()->empty());
}

TEST_F(JobStoreTest, EventsGoOnAfterACursorAndPlainProgressReplacesItself) {
  const std::string id = CreateJob("r1").id();
  ASSERT_TRUE(SetState(id, v1::JOB_STATE_RUNNING, "started").ok());
  for (uint64_t i = 1; i <= 10; ++i) ASSERT_TRUE(Progress(id, i).ok());
  ASSERT_TRUE(SetState(id, v1::JOB_STATE_SUCCEEDED, "done").ok());
  const auto all = store_->Events(id, 0, 100);
  ASSERT_TRUE(all.ok()) << all.status();
  ASSERT_EQ(all->size(), 4u);  // accepted, started, newest progress, done
  EXPECT_EQ((*all)[2].job().progress().queries_bought(), 10u);
  EXPECT_FALSE((*all)[2].job().has_spec());
  const auto rest = store_->Events(id, (*all)[2].cursor(), 100);
  ASSERT_EQ(rest->size(), 1u);
  EXPECT_EQ(rest->front().message(), "done");
}

TEST_F(JobStoreTest, WatcherWakesOnAChangeByAnotherThread) {
  const std::string id = CreateJob("r1").id();
  EXPECT_FALSE(store_->WaitForEvent(id, 1, absl::ZeroDuration()));
  std::thread changer([&] { ASSERT_TRUE(Progress(id, 1).ok()); });
  EXPECT_TRUE(store_->WaitForEvent(id, 1, absl::Seconds(30)));
  changer.join();
}

TEST_F(JobStoreTest, ParallelUpdatesAllCount) {
  const std::string id = CreateJob("r1").id();
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 25; ++i) {
        ASSERT_TRUE(store_
                        ->Update(id,
                                 [](v1::DistillationJob* job) {
                                   v1::Progress* progress = job->mutable_progress();
                                   progress->set_queries_bought(progress->queries_bought() + 1);
                                   return absl::OkStatus();
                                 })
                        .ok());
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(store_->Get(id)->progress().queries_bought(), 100u);
}

TEST_F(JobStoreTest, RejectionsAreIdempotentOrderedAndCountedByRow) {
  const std::string id = CreateJob("r1").id();
  for (const uint64_t row : {300u, 2u, 2u, 40u}) {
    v1::Rejection rejection;
    rejection.set_row(row);
    rejection.set_reason("REFUSED");
    ASSERT_TRUE(store_->AddRejection(id, {"train", row, 0}, rejection).ok());
  }
  v1::Rejection noisy;
  noisy.set_row(2);
  ASSERT_TRUE(store_->AddRejection(id, {"train", 2, 1}, noisy).ok());
  Reopen();
  const auto first = store_->ListRejections(id, 3, "");
  ASSERT_TRUE(first.ok()) << first.status();
  ASSERT_EQ(first->items.size(), 3u);
  EXPECT_EQ(first->items[2].row(), 40u);
  EXPECT_EQ(store_->ListRejections(id, 3, first->next_token)->items.front().row(), 300u);
  EXPECT_EQ(*store_->CountRejectedRows(id), 3u);
  const auto found = store_->FindRejections(id, {{"train", 2, 0}, {"held_out", 2, 0}});
  EXPECT_TRUE((*found)[0].has_value());
  EXPECT_FALSE((*found)[1].has_value());
}

TEST_F(JobStoreTest, IncarnationGrowsWithEachStart) {
  const uint64_t first = *store_->NextIncarnation();
  Reopen();
  EXPECT_GT(*store_->NextIncarnation(), first);
}

TEST_F(JobStoreTest, PlanAndReportAreAbsentUntilStored) {
  const std::string id = CreateJob("r1").id();
  EXPECT_FALSE(store_->GetPlan(id)->has_value());
  EXPECT_FALSE(store_->GetReport(id)->has_value());
  v1::WorkResponse::Assignment plan;
  plan.set_train_items(7);
  ASSERT_TRUE(store_->PutPlan(id, plan).ok());
  v1::AcceptanceReport report;
  report.set_verdict(v1::VERDICT_ACCEPT);
  ASSERT_TRUE(store_->PutReport(id, report).ok());
  Reopen();
  EXPECT_EQ((*store_->GetPlan(id))->train_items(), 7u);
  EXPECT_EQ((*store_->GetReport(id))->verdict(), v1::VERDICT_ACCEPT);
}

TEST_F(JobStoreTest, UnknownJobIsNamed) {
  const absl::Status status = store_->Get("job-nope").status();
  EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
  EXPECT_TRUE(absl::StrContains(status.message(), "job-nope"));
}

}  // namespace
}  // namespace limbeck::gateway
