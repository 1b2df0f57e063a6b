#include "gateway/limits/fair_queue.h"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <string>

namespace limbeck::gateway {
namespace {

class FairQueueTest : public ::testing::Test {
 protected:
  void Push(const Share& share, double cost = 1, int count = 1) {
    const auto flow = queue_.FlowOf(share);
    for (int i = 0; i < count; ++i) queue_.Push(flow, share.team + "/" + share.job, cost);
  }
  // How often each was served in the next `count` turns.
  std::map<std::string, int> Serve(int count) {
    std::map<std::string, int> served;
    for (int i = 0; i < count && !queue_.empty(); ++i) {
      ++served[queue_.front()];
      queue_.Pop();
    }
    return served;
  }

  FairClock clock_;
  FairQueue<std::string> queue_{&clock_};
};

TEST_F(FairQueueTest, OneJobIsServedInOrder) {
  const auto flow = queue_.FlowOf({});
  queue_.Push(flow, "b", 5);
  queue_.Push(flow, "c", 1);
  queue_.PushFront(flow, "a", 9);
  for (const char* expected : {"a", "b", "c"}) {
    EXPECT_EQ(queue_.front(), expected);
    queue_.Pop();
  }
  EXPECT_TRUE(queue_.empty());
}

TEST_F(FairQueueTest, ABacklogDelaysANewJobByNoMoreThanOneCallOfEachOther) {
  Push({.team = "t", .job = "big"}, 1, 100'000);
  Serve(10'000);
  Push({.team = "t", .job = "new"});
  const auto served = Serve(2);
  EXPECT_EQ(served.count("t/new"), 1u);
}

TEST_F(FairQueueTest, SharesFollowTheWeights) {
  Push({.team = "t", .job = "one", .job_weight = 1}, 1, 1000);
  Push({.team = "t", .job = "three", .job_weight = 3}, 1, 1000);
  const auto served = Serve(400);
  EXPECT_NEAR(served.at("t/one"), 100, 2);
  EXPECT_NEAR(served.at("t/three"), 300, 2);
}

TEST_F(FairQueueTest, TokensAreSharedNotCalls) {
  Push({.team = "t", .job = "long"}, 1000, 1000);
  Push({.team = "t", .job = "short"}, 10, 1000);
  const auto served = Serve(505);
  EXPECT_NEAR(served.at("t/long"), 5, 1);
}

TEST_F(FairQueueTest, ATeamsJobsShareWhatTheTeamIsDue) {
  Push({.team = "few", .job = "a"}, 1, 1000);
  for (const char* job : {"b", "c", "d", "e"}) Push({.team = "many", .job = job}, 1, 1000);
  const auto served = Serve(400);
  EXPECT_NEAR(served.at("few/a"), 200, 5);
  EXPECT_NEAR(served.at("many/b"), 50, 5);
}

TEST_F(FairQueueTest, WhatAnIdleJobLeavesOthersUseAndItDoesNotSaveUp) {
  Push({.team = "t", .job = "a"}, 1, 1000);
  Push({.team = "t", .job = "b"}, 1, 10);
  EXPECT_EQ(Serve(500).at("t/a"), 490);
  Push({.team = "t", .job = "b"}, 1, 1000);
  EXPECT_NEAR(Serve(100).at("t/b"), 50, 2);
}

TEST_F(FairQueueTest, DroppedItemsCostNothing) {
  Push({.team = "t", .job = "a"}, 1'000'000, 3);
  Push({.team = "t", .job = "b"}, 1, 3);
  for (int i = 0; i < 2; ++i) {
    ASSERT_EQ(queue_.front(), "t/a");
    queue_.Drop();
  }
  EXPECT_EQ(queue_.front(), "t/a");
}

TEST_F(FairQueueTest, ManyJobsThatComeAndGoAreForgotten) {
  for (int i = 0; i < 10'000; ++i) {
    Push({.team = "t", .job = std::to_string(i)});
    EXPECT_EQ(Serve(1).size(), 1u);
  }
  SUCCEED();
}

// Property: whatever comes when, a job that has something waiting is behind its share by at most
// one call of its own and one of every other.
TEST_F(FairQueueTest, NobodyStarvesWhateverComes) {
  constexpr int kJobs = 5;
  constexpr double kLongest = 50;
  for (int seed = 0; seed < 50; ++seed) {
    std::mt19937 random(seed);
    FairClock clock;
    FairQueue<std::pair<int, double>> queue(&clock);
    std::map<int, double> weight;
    std::map<int, int> waiting;
    std::map<int, double> lag;  // Virtual time since it last went, while waiting.
    for (int job = 0; job < kJobs; ++job) weight[job] = 0.5 + random() % 4;
    for (int step = 0; step < 3000; ++step) {
      if (random() % 3 != 0) {
        const int job = static_cast<int>(random() % kJobs);
        const double cost = 1 + random() % static_cast<int>(kLongest);
        const auto flow = queue.FlowOf({.team = std::to_string(job), .team_weight = weight[job]});
        queue.Push(flow, {job, cost}, cost);
        if (waiting[job]++ == 0) lag[job] = 0;
      }
      if (queue.empty() || random() % 2 == 0) continue;
      const auto [went, cost] = queue.front();
      queue.Pop();
      double most = 0;
      for (int job = 0; job < kJobs; ++job) {
        if (waiting[job] == 0) continue;
        if (job != went) lag[job] += cost;
        // What all others may be served before it: each a call in excess of what its weight gives
        // it over the time that one call of this job takes.
        double bound = 0;
        for (int other = 0; other < kJobs; ++other) {
          bound += kLongest + weight[other] * kLongest / weight[job];
        }
        most = std::max(most, lag[job] / bound);
      }
      --waiting[went];
      lag[went] = 0;
      ASSERT_LE(most, 1.0) << "seed " << seed << " step " << step;
    }
  }
}

}  // namespace
}  // namespace limbeck::gateway
