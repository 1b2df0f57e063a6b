#include "gateway/probing/probe_plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <utility>

#include "gateway/teachers/cost.h"

namespace limbeck::gateway {
namespace {

using ::testing::ElementsAre;

TeacherConfig Config() {
  TeacherConfig config;
  config.name = "t";
  config.kind = "openai";
  config.base_url = "https://host.example/v1";
  config.model = "m";
  config.input_micro_usd_per_million = 1'000'000;
  config.output_micro_usd_per_million = 2'000'000;
  return config;
}

std::vector<ProbeAspect> Aspects(const std::vector<ProbeQuestion>& questions) {
  std::vector<ProbeAspect> aspects;
  for (const ProbeQuestion& question : questions) aspects.push_back(question.aspect);
  return aspects;
}

TEST(ProbePlanTest, AsksATextOnlyTeacherTwoQuestions) {
  EXPECT_THAT(Aspects(PlanProbe({}, 0)), ElementsAre(ProbeAspect::kAnswer, ProbeAspect::kRepeat));
}

TEST(ProbePlanTest, AsksForEverythingThatTheKindCanBeAsked) {
  const Capabilities can = {.logprobs = true,
                            .seed = true,
                            .max_top_logprobs = 50,
                            .schema = true,
                            .choices = true,
                            .continuation_scoring = true,
                            .max_samples = 128};
  EXPECT_EQ(MostProbedCandidates(Config(), can, true), 20u);  // The configuration's limit.
  const std::vector<ProbeQuestion> questions = PlanProbe(can, 20);
  EXPECT_EQ(questions.size(), 11u);
  EXPECT_EQ(questions.front().query.top_logprobs, 20u);
  EXPECT_EQ(questions.back().query.samples, 2u);
  for (const ProbeQuestion& question : questions) {
    EXPECT_TRUE(CheckQuery(Config(), can, question.query).empty())
        << ProbeAspectName(question.aspect);
  }
}

TEST(ProbePlanTest, LogprobsThatTheOperatorRulesOutAreNotAskedFor) {
  constexpr Capabilities kCan = {.logprobs = true, .max_top_logprobs = 20};
  EXPECT_EQ(MostProbedCandidates(Config(), kCan, false), 0u);
  for (const ProbeQuestion& question : PlanProbe(kCan, 0)) {
    EXPECT_EQ(question.query.top_logprobs, 0u);
  }
}

TEST(ProbePlanTest, TheUpperBoundIsTheSumOfItsQuestions) {
  const std::vector<ProbeQuestion> questions = PlanProbe({}, 0);
  EXPECT_EQ(ProbeUpperBoundMicroUsd(Config(), questions),
            2 * UpperBoundMicroUsd(Config(), questions[0].query));
  EXPECT_GT(ProbeUpperBoundMicroUsd(Config(), questions), 0);
}

TEST(ProbePlanTest, TheUpperBoundHasRoomForASearch) {
  const std::vector<ProbeQuestion> questions = PlanProbe({.max_top_logprobs = 20}, 20);
  int64_t plain = 0;
  for (const ProbeQuestion& question : questions) {
    plain += UpperBoundMicroUsd(Config(), question.query);
  }
  EXPECT_EQ(ProbeUpperBoundMicroUsd(Config(), questions),
            plain + 5 * UpperBoundMicroUsd(Config(), questions[0].query));
}

// What a teacher that allows `most` lets a search find, and the questions it takes.
std::pair<int, int> Search(uint32_t refused, int most) {
  CandidateSearch search(refused);
  int found = -1;
  int asked = 0;
  for (auto next = search.Next(); next.has_value(); next = search.Next()) {
    const bool accepted = static_cast<int>(*next) <= most;
    if (accepted) found = static_cast<int>(*next);
    search.Tell(*next, accepted);
    ++asked;
  }
  return {found, asked};
}

TEST(CandidateSearchTest, FindsTheMostThatIsAllowed) {
  for (int most = -1; most < 20; ++most) {
    const auto [found, asked] = Search(20, most);
    EXPECT_EQ(found, most);
    EXPECT_LE(asked, 5);
  }
  EXPECT_EQ(Search(1, 0).first, 0);
  EXPECT_EQ(Search(1, -1).first, -1);
}

}  // namespace
}  // namespace limbeck::gateway
