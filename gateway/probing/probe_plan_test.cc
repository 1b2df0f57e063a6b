#include "gateway/probing/probe_plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

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
  EXPECT_THAT(Aspects(PlanProbe(Config(), {}, false)),
              ElementsAre(ProbeAspect::kAnswer, ProbeAspect::kRepeat));
}

TEST(ProbePlanTest, AsksForEverythingThatTheKindCanBeAsked) {
  const Capabilities can = {.logprobs = true,
                            .seed = true,
                            .max_top_logprobs = 50,
                            .schema = true,
                            .choices = true,
                            .continuation_scoring = true};
  const std::vector<ProbeQuestion> questions = PlanProbe(Config(), can, true);
  EXPECT_EQ(questions.size(), 10u);
  EXPECT_EQ(questions.front().query.top_logprobs, 20u);  // The configuration's limit.
  for (const ProbeQuestion& question : questions) {
    EXPECT_TRUE(CheckQuery(Config(), can, question.query).empty())
        << ProbeAspectName(question.aspect);
  }
}

TEST(ProbePlanTest, LogprobsThatTheOperatorRulesOutAreNotAskedFor) {
  for (const ProbeQuestion& question :
       PlanProbe(Config(), {.logprobs = true, .max_top_logprobs = 20}, false)) {
    EXPECT_EQ(question.query.top_logprobs, 0u);
  }
}

TEST(ProbePlanTest, TheUpperBoundIsTheSumOfItsQuestions) {
  const std::vector<ProbeQuestion> questions = PlanProbe(Config(), {}, false);
  EXPECT_EQ(ProbeUpperBoundMicroUsd(Config(), questions),
            2 * UpperBoundMicroUsd(Config(), questions[0].query));
  EXPECT_GT(ProbeUpperBoundMicroUsd(Config(), questions), 0);
}

}  // namespace
}  // namespace limbeck::gateway
