// Jobs and requests that come again.
#include <gtest/gtest.h>

#include "gateway/jobs/job_manager.h"
#include "gateway/jobs/job_test_world.h"

namespace limbeck::gateway {
namespace {

TEST(BoughtOnceJobTest, SecondJobOverTheSameRowsBuysNothing) {
  JobWorld world;
  world.AddWorker();
  const v1::JobSpec spec = world.Spec(world.Upload(40));
  world.AwaitState(world.Create(spec, "r1")->id(), v1::JOB_STATE_SUCCEEDED);
  const auto quote = world.manager().Quote(spec);
  ASSERT_TRUE(quote.ok()) << quote.status();
  EXPECT_EQ(quote->cached(), 40u);
  EXPECT_EQ(quote->to_buy(), 0u);
  const v1::DistillationJob second =
      world.AwaitState(world.Create(spec, "r2")->id(), v1::JOB_STATE_SUCCEEDED);
  EXPECT_EQ(second.progress().queries_bought(), 0u);
  EXPECT_EQ(second.progress().queries_cached(), 40u);
  EXPECT_EQ(world.teacher().invoice().size(), 40u);
}

TEST(BoughtOnceJobTest, SecondJobOverRefusedRowsDoesNotBuyTheRefusalsAgain) {
  JobWorld world({.script = R"({"faults": [{"kind": "refusal", "when_contains": "gloss 7"}]})"});
  world.AddWorker();
  v1::JobSpec spec = world.Spec(world.Upload(60));
  spec.set_max_rejected_share(0.5);
  const v1::DistillationJob first =
      world.AwaitState(world.Create(spec, "r1")->id(), v1::JOB_STATE_SUCCEEDED);
  EXPECT_GE(first.progress().rows_rejected(), 1u);
  const size_t served = world.teacher().invoice().size();
  const v1::DistillationJob second =
      world.AwaitState(world.Create(spec, "r2")->id(), v1::JOB_STATE_SUCCEEDED);
  EXPECT_EQ(second.progress().rows_rejected(), first.progress().rows_rejected());
  EXPECT_EQ(world.teacher().invoice().size(), served);
}

TEST(BoughtOnceJobTest, ARequestKeptWithoutTodaysDefaultsIsTheSameRequest) {
  JobWorld world;
  const v1::JobSpec spec = world.Spec(world.Upload(30));
  const auto kept = world.store().Create("default", "r1", spec);
  ASSERT_TRUE(kept.ok()) << kept.status();
  const auto again = world.Create(spec, "r1");
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(again->id(), kept->id());
  v1::JobSpec other = spec;
  other.mutable_method()->set_epochs(7);
  EXPECT_TRUE(absl::IsAlreadyExists(world.Create(other, "r1").status()));
}

}  // namespace
}  // namespace limbeck::gateway
