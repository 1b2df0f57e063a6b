#include "gateway/probing/probe_findings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace limbeck::gateway {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr Capabilities kAll = {.logprobs = true,
                               .seed = true,
                               .max_top_logprobs = 20,
                               .schema = true,
                               .choices = true,
                               .continuation_scoring = true};

std::vector<ProbeQuestion> Questions() {
  TeacherConfig config;
  config.kind = "openai";
  return PlanProbe(config, kAll, true);
}

cache::SoftOutput Text(std::string text) {
  cache::SoftOutput output;
  output.text = std::move(text);
  return output;
}

// One token with these candidates; the first is chosen.
cache::SoftOutput Ranked(std::vector<cache::Candidate> candidates) {
  cache::SoftOutput output = Text(candidates.front().bytes);
  output.support = cache::Support::kTopK;
  cache::Token token;
  token.bytes = candidates.front().bytes;
  token.id = candidates.front().id;
  token.logprob = candidates.front().logprob;
  token.candidates = std::move(candidates);
  output.tokens.push_back(std::move(token));
  return output;
}

ProbeFindings Read(std::vector<ProbeAnswer> answers) { return ReadProbe(Questions(), answers); }

TEST(ProbeFindingsTest, TheFirstAnswerShowsSupportCandidatesBytesAndIds) {
  cache::SoftOutput answer = Ranked({{"Yes", 5, -0.1F}, {"No", 6, -2.5F}});
  answer.provenance.model = "m-2026";
  answer.provenance.fingerprint = "fp";
  const ProbeFindings findings =
      Read({{ProbeAspect::kAnswer, answer}, {ProbeAspect::kRepeat, answer}});
  EXPECT_EQ(findings.support, cache::Support::kTopK);
  EXPECT_EQ(findings.max_top_logprobs, 2u);
  EXPECT_EQ(findings.bytes, Finding::kYes);
  EXPECT_EQ(findings.token_ids, Finding::kYes);
  EXPECT_EQ(findings.chosen_listed, Finding::kYes);
  EXPECT_EQ(findings.repeatable, Finding::kYes);
  EXPECT_EQ(findings.model, "m-2026");
  EXPECT_EQ(findings.fingerprint, "fp");
  EXPECT_EQ(findings.seed, Finding::kUnknown);
}

TEST(ProbeFindingsTest, LossyBytesAndAnUnlistedChosenTokenAreNoted) {
  cache::SoftOutput answer = Ranked({{"Yes", std::nullopt, -0.1F}});
  answer.tokens[0].lossy = true;
  answer.tokens[0].bytes = "Yep";
  const ProbeFindings findings = Read({{ProbeAspect::kAnswer, answer}});
  EXPECT_EQ(findings.bytes, Finding::kNo);
  EXPECT_EQ(findings.token_ids, Finding::kNo);
  EXPECT_EQ(findings.chosen_listed, Finding::kNo);
}

TEST(ProbeFindingsTest, ASeedCountsWhenItRepeatsAndAnotherDiffers) {
  const auto seed = [](const char* first, const char* again, const char* other) {
    return Read({{ProbeAspect::kSeed, Text(first)},
                 {ProbeAspect::kSeedRepeat, Text(again)},
                 {ProbeAspect::kSeedOther, Text(other)}})
        .seed;
  };
  EXPECT_EQ(seed("a", "a", "b"), Finding::kYes);
  EXPECT_EQ(seed("a", "b", "b"), Finding::kNo);
  EXPECT_EQ(seed("a", "a", "a"), Finding::kUnknown);
}

TEST(ProbeFindingsTest, DistancesThatDoubleAtHalfTheTemperatureAreTakenAfterIt) {
  const auto stage = [](float factor) {
    return Read({{ProbeAspect::kWarm, Ranked({{"a", 1, -1.0F}, {"b", 2, -1.5F}, {"c", 3, -2.0F}})},
                 {ProbeAspect::kCool, Ranked({{"a", 1, -0.4F},
                                              {"b", 2, -0.4F - factor * 0.5F},
                                              {"c", 3, -0.4F - factor * 1.0F}})}})
        .stage;
  };
  EXPECT_EQ(stage(1.0F), LogprobStage::kBeforeTemperature);
  EXPECT_EQ(stage(2.0F), LogprobStage::kAfterTemperature);
  EXPECT_EQ(stage(4.0F), LogprobStage::kUnknown);
}

TEST(ProbeFindingsTest, AContinuationIsScoredWhenItsTokensAreExactlyTheText) {
  const auto scored = [](cache::SoftOutput output) {
    return Read({{ProbeAspect::kContinuation, std::move(output)}}).continuation;
  };
  EXPECT_EQ(scored(Ranked({{"Yes", 1, -0.5F}})), Finding::kYes);
  EXPECT_EQ(scored(Ranked({{"Yes!", 1, -0.5F}})), Finding::kNo);
  cache::SoftOutput silent = Ranked({{"Yes", 1, -0.5F}});
  silent.tokens[0].logprob.reset();
  EXPECT_EQ(scored(silent), Finding::kNo);
}

TEST(ProbeFindingsTest, SchemasAndChoicesAreJudgedByTheAnswer) {
  const auto schema = [](const char* text) {
    return Read({{ProbeAspect::kSchema, Text(text)}}).schema;
  };
  EXPECT_EQ(schema(R"({"answer": "yes"})"), Finding::kYes);
  EXPECT_EQ(schema(R"({"answer": 1})"), Finding::kNo);
  EXPECT_EQ(schema("yes"), Finding::kNo);
  EXPECT_EQ(Read({{ProbeAspect::kChoices, Text("red")}}).choices, Finding::kYes);
  EXPECT_EQ(Read({{ProbeAspect::kChoices, Text("green")}}).choices, Finding::kNo);
}

TEST(ProbeFindingsTest, ARefusedFormIsANoAndAnyOtherFailureStaysUnknown) {
  Failure refused;
  refused.cls = FailureClass::kBadRequest;
  refused.reason = "HTTP_400";
  refused.message = "seed is not supported";
  Failure down;
  down.cls = FailureClass::kRetryable;
  down.reason = "HTTP_503";
  const ProbeFindings findings =
      Read({{ProbeAspect::kSeed, refused}, {ProbeAspect::kSchema, down}});
  EXPECT_EQ(findings.seed, Finding::kNo);
  EXPECT_EQ(findings.schema, Finding::kUnknown);
  EXPECT_THAT(findings.notes, ElementsAre(HasSubstr("seed is not supported"), HasSubstr("schema")));
}

}  // namespace
}  // namespace limbeck::gateway
