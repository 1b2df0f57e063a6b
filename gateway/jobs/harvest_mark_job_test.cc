// Whole jobs whose harvest is cut off and goes on at its mark.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <set>
#include <string>
#include <vector>

#include "gateway/jobs/job_test_world.h"

namespace limbeck::gateway {
namespace {

// Rows 7 and 70 to 79 are refused.
constexpr char kSomeRefused[] =
    R"({"latency_ms": 5, "faults": [{"kind": "refusal", "when_contains": "gloss 7"}]})";

// With noise, so that a row is several items.
v1::JobSpec ManyQueries(JobWorld& world) {
  v1::JobSpec spec = world.Spec(world.Upload(90));
  spec.set_max_rejected_share(0.5);
  spec.mutable_smoke()->set_rows(0);
  spec.mutable_noise()->mutable_prompt()->set_variants(2);
  spec.mutable_noise()->mutable_prompt()->set_char_swap(0.3);
  return spec;
}

uint64_t Served(JobWorld& world) { return world.teacher().invoice().size(); }

uint64_t DistinctServed(JobWorld& world) {
  std::set<std::string> keys;
  for (const testing::InvoiceLine& line : world.teacher().invoice()) keys.insert(line.key);
  return keys.size();
}

// What a finished job made of its rows: the items of its three snapshots.
std::vector<std::string> Outcome(JobWorld& world, const std::string& id) {
  const auto plan = world.store().GetPlan(id).value();
  std::vector<std::string> items;
  for (const std::string& snapshot :
       {plan->train_snapshot_id(), plan->validation_snapshot_id(), plan->held_out_snapshot_id()}) {
    if (snapshot.empty()) continue;
    for (const cache::StreamItem& item : world.ReadSnapshot(snapshot)) {
      items.push_back(absl::StrCat(item.example.row_id, " ", item.example.variant, " ",
                                   item.example.input, " ", item.records.size()));
    }
  }
  return items;
}

void ExpectSameProgress(const v1::Progress& a, const v1::Progress& b) {
  EXPECT_EQ(a.queries_total(), b.queries_total());
  EXPECT_EQ(a.queries_bought(), b.queries_bought());
  EXPECT_EQ(a.queries_cached(), b.queries_cached());
  EXPECT_EQ(a.rows_rejected(), b.rows_rejected());
  EXPECT_EQ(a.calls_ambiguous(), b.calls_ambiguous());
  EXPECT_EQ(a.spent_micro_usd(), b.spent_micro_usd());
  EXPECT_EQ(a.percent(), b.percent());
}

TEST(HarvestMarkJobTest, RestartsChangeNeitherResultsNorCounters) {
  JobWorld whole({.script = kSomeRefused, .input_price = 1'000'000});
  whole.AddWorker();
  const std::string uncut = whole.Create(ManyQueries(whole))->id();
  const v1::DistillationJob expected = whole.AwaitState(uncut, v1::JOB_STATE_SUCCEEDED);
  EXPECT_GE(expected.progress().rows_rejected(), 11u);

  JobWorld world({.script = kSomeRefused, .input_price = 1'000'000, .max_concurrent = 4});
  const std::string id = world.Create(ManyQueries(world))->id();
  uint64_t mark = 0;
  for (const uint64_t bought : {20, 60, 120}) {
    world.Await(id, [&](const auto& job) { return job.progress().queries_bought() >= bought; });
    world.StopGateway();
    world.StartGateway();
    const auto kept = world.store().GetMark(id).value();
    ASSERT_TRUE(kept.has_value());
    EXPECT_GT(kept->index, mark);
    mark = kept->index;
    // Each settled item is one usable or rejected; none is counted twice over the restarts.
    EXPECT_LE(kept->tally.usable + kept->tally.rejected, kept->index);
    EXPECT_LE(kept->tally.cost.bought, world.Spend(id).answers_bought);
  }
  world.AddWorker();
  const v1::DistillationJob done = world.AwaitState(id, v1::JOB_STATE_SUCCEEDED);
  EXPECT_EQ(Served(world), Served(whole));
  ExpectSameProgress(done.progress(), expected.progress());
  EXPECT_EQ(Outcome(world, id), Outcome(whole, uncut));
  const auto end = world.store().GetMark(id).value();
  const auto uncut_end = whole.store().GetMark(uncut).value();
  EXPECT_EQ(end->index, uncut_end->index);
  EXPECT_EQ(end->tally.usable, uncut_end->tally.usable);
  EXPECT_EQ(end->tally.rejected, uncut_end->tally.rejected);
  EXPECT_EQ(end->tally.cost.bought + end->tally.cost.cached,
            uncut_end->tally.cost.bought + uncut_end->tally.cost.cached);
  EXPECT_DOUBLE_EQ(end->tally.leftover_sum, uncut_end->tally.leftover_sum);
}

TEST(HarvestMarkJobTest, RowsBeforeTheMarkAreNotLookedAtAgain) {
  JobWorld world({.script = R"({"latency_ms": 20})", .max_concurrent = 4});
  const std::string id = world.Create(ManyQueries(world))->id();
  world.Await(id, [](const auto& job) { return job.progress().queries_bought() > 100; });
  ASSERT_TRUE(world.manager().Pause(id).ok());
  world.AwaitNoThreads();
  const uint64_t served = Served(world);
  // A mark at the end says that all is settled: were anything looked at again, it would be bought.
  HarvestMark mark = world.store().GetMark(id).value().value();
  ASSERT_LT(mark.index, mark.size);
  mark.index = mark.size;
  ASSERT_TRUE(world.store().PutMark(id, mark).ok());
  world.AddWorker();
  ASSERT_TRUE(world.manager().Resume(id).ok());
  world.AwaitState(id, v1::JOB_STATE_SUCCEEDED);
  EXPECT_EQ(Served(world), served);
}

TEST(HarvestMarkJobTest, AMarkOfAnotherSequenceIsPassedOver) {
  JobWorld world({.script = R"({"latency_ms": 10})", .max_concurrent = 4});
  const v1::JobSpec spec = ManyQueries(world);
  const uint64_t queries = world.manager().Quote(spec)->to_buy();
  const std::string id = world.Create(spec)->id();
  world.Await(id, [](const auto& job) { return job.progress().queries_bought() > 10; });
  ASSERT_TRUE(world.manager().Pause(id).ok());
  world.AwaitNoThreads();
  ASSERT_TRUE(world.store().PutMark(id, {.index = 999, .size = 1000}).ok());
  world.AddWorker();
  ASSERT_TRUE(world.manager().Resume(id).ok());
  world.AwaitState(id, v1::JOB_STATE_SUCCEEDED);
  EXPECT_EQ(Served(world), queries);
}

TEST(HarvestMarkJobTest, WhatMoneyDidNotReachIsAskedWhenThereIsMore) {
  JobWorld world({.input_price = 1'000'000, .output_price = 1'000'000});
  v1::JobSpec spec = world.Spec(world.Upload(60));
  const auto quote = world.manager().Quote(spec);
  spec.mutable_budget()->set_ceiling_micro_usd(quote->likely_micro_usd());
  const std::string id = world.Create(spec)->id();
  world.AwaitState(id, v1::JOB_STATE_PAUSED);
  ASSERT_LT(Served(world), 60u);
  EXPECT_LT(world.store().GetMark(id).value()->tally.usable, 60u);
  world.AddWorker();
  ASSERT_TRUE(world.manager().UpdateCeiling(id, 2 * quote->high_micro_usd()).ok());
  ASSERT_TRUE(world.manager().Resume(id).ok());
  const v1::DistillationJob done = world.AwaitState(id, v1::JOB_STATE_SUCCEEDED);
  EXPECT_EQ(Served(world), 60u);
  EXPECT_EQ(done.progress().queries_bought(), 60u);
}

TEST(HarvestMarkJobTest, FewItemsAreKeptTrackOfAtOnce) {
  JobWorld world({.script = R"({"latency_ms": 2})"});
  world.StopGateway();
  world.harvest_options().max_unsettled = 1;
  world.StartGateway();
  world.AddWorker();
  const v1::DistillationJob done =
      world.AwaitState(world.Create(ManyQueries(world))->id(), v1::JOB_STATE_SUCCEEDED);
  EXPECT_EQ(Served(world), DistinctServed(world));
}

}  // namespace
}  // namespace limbeck::gateway
