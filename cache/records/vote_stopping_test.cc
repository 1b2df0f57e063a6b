#include "cache/records/vote_stopping.h"

#include <gtest/gtest.h>

namespace limbeck::cache {
namespace {

std::vector<int> Votes(std::initializer_list<int> votes) { return votes; }

TEST(VoteStoppingTest, WilsonIntervalHasItsPublishedValues) {
  // Newcombe, Statistics in Medicine 17 (1998), table I, method 3.
  const Interval few = WilsonInterval(15, 148, 0.95);
  EXPECT_NEAR(few.low, 0.0624, 5e-5);
  EXPECT_NEAR(few.high, 0.1605, 5e-5);
  const Interval none = WilsonInterval(0, 20, 0.95);
  EXPECT_NEAR(none.low, 0.0, 1e-12);
  EXPECT_NEAR(none.high, 0.1611, 5e-5);
  const Interval unknown = WilsonInterval(0, 0, 0.95);
  EXPECT_EQ(unknown.low, 0.0);
  EXPECT_EQ(unknown.high, 1.0);
}

TEST(VoteStoppingTest, UnanimousVotesSufficeEarly) {
  const VotingRule rule{.min_votes = 3, .max_votes = 32, .half_width = 0.1};
  EXPECT_EQ(VotesThatSuffice(Votes({1, 1, 1}), 2, rule), 0u);
  // 4 of 4: Wilson's lower end is 4 / (4 + 1.96²) = 0.510.
  EXPECT_EQ(VotesThatSuffice(Votes({1, 1, 1, 1, 0}), 2, rule), 4u);
}

TEST(VoteStoppingTest, NeverBelowTheLeastOrAboveTheMost) {
  const VotingRule rule{.min_votes = 6, .max_votes = 8, .half_width = 0.01};
  EXPECT_EQ(VotesThatSuffice(Votes({0, 0, 0, 0, 0}), 2, rule), 0u);
  EXPECT_EQ(VotesThatSuffice(Votes({0, 0, 0, 0, 0, 0}), 2, rule), 6u);
  EXPECT_EQ(VotesThatSuffice(Votes({0, 1, 0, 1, 0, 1, 0}), 2, rule), 0u);
  EXPECT_EQ(VotesThatSuffice(Votes({0, 1, 0, 1, 0, 1, 0, 1}), 2, rule), 8u);
  EXPECT_EQ(VotesThatSuffice(Votes({0, 1, 0, 1, 0, 1, 0, 1, 1, 1}), 2, rule), 8u);
}

TEST(VoteStoppingTest, ALeadThatCannotBeCaughtIsDecided) {
  const VotingRule rule{.min_votes = 1, .max_votes = 5, .half_width = 0.01, .confidence = 0.999};
  EXPECT_EQ(VotesThatSuffice(Votes({0, 0}), 2, rule), 0u);
  EXPECT_EQ(VotesThatSuffice(Votes({0, 0, 0}), 2, rule), 3u);
  EXPECT_EQ(VotesThatSuffice(Votes({0, 1, 0, 0}), 2, rule), 4u);
}

TEST(VoteStoppingTest, ANarrowIntervalSufficesWhereTheLeadIsOpen) {
  VotingRule rule{.min_votes = 2, .max_votes = 100, .half_width = 0.25};
  std::vector<int> votes;
  for (int i = 0; i < 40; ++i) votes.push_back(i % 2);
  // z/(1+z²/n)·√(1/4n + z²/4n²) = ½·z/√(n+z²) at p = ½: 0.25 at n = 11.5.
  EXPECT_EQ(VotesThatSuffice(votes, 2, rule), 12u);
  rule.half_width = 0.2;
  EXPECT_EQ(VotesThatSuffice(votes, 2, rule), 21u);
}

TEST(VoteStoppingTest, AnswersWithoutALabelAreAnOutcome) {
  const VotingRule rule{.min_votes = 2, .max_votes = 32, .half_width = 0.1};
  EXPECT_EQ(VotesThatSuffice(Votes({-1, -1, -1, -1}), 2, rule), 4u);
  EXPECT_EQ(VotesThatSuffice(Votes({-1, 0, -1, 0, 0, -1}), 2, rule), 0u);
}

TEST(VoteStoppingTest, LaterVotesNeverChangeWhatSufficed) {
  const VotingRule rule{.min_votes = 3, .max_votes = 20, .half_width = 0.2};
  uint64_t state = 1;
  for (int round = 0; round < 500; ++round) {
    std::vector<int> votes;
    for (int i = 0; i < 20; ++i) {
      state = state * 6364136223846793005u + 1442695040888963407u;
      votes.push_back(static_cast<int>(state >> 60) % 3 - 1);
    }
    const size_t used = VotesThatSuffice(votes, 2, rule);
    ASSERT_GE(used, 3u);
    for (size_t n = 0; n <= votes.size(); ++n) {
      const std::vector<int> beginning(votes.begin(), votes.begin() + static_cast<long>(n));
      EXPECT_EQ(VotesThatSuffice(beginning, 2, rule), n < used ? 0u : used);
    }
  }
}

}  // namespace
}  // namespace limbeck::cache
