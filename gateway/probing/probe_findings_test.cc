#include "gateway/probing/probe_findings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace limbeck::gateway {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsSupersetOf;
using ::testing::StartsWith;

constexpr Capabilities kAll = {.logprobs = true,
                               .seed = true,
                               .max_top_logprobs = 20,
                               .schema = true,
                               .choices = true,
                               .continuation_scoring = true,
                               .max_samples = 128};

// What a provider without a list of models says.
const Listing kNoListing = absl::UnimplementedError("there is no list");

std::vector<ProbeQuestion> Questions() { return PlanProbe(kAll, 20); }

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

ProbeFindings Read(std::vector<ProbeAnswer> answers, const Listing& listing = kNoListing) {
  return ReadProbe(Questions(), answers, listing);
}

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

TEST(ProbeFindingsTest, TheEndOfAnAnswerNeedsNoBytes) {
  cache::SoftOutput answer = Ranked({{"Yes", 5, -0.1F}});
  answer.tokens.emplace_back();
  EXPECT_EQ(Read({{ProbeAspect::kAnswer, answer}}).bytes, Finding::kYes);
  answer.tokens.emplace_back();
  EXPECT_EQ(Read({{ProbeAspect::kAnswer, answer}}).bytes, Finding::kNo);
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

TEST(ProbeFindingsTest, Case21DistancesThatDoubleAtHalfTheTemperatureAreTakenAfterIt) {
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
  EXPECT_THAT(findings.notes,
              IsSupersetOf({HasSubstr("seed is not supported"), HasSubstr("schema")}));
}

TEST(ProbeFindingsTest, SeveralAnswersCountWhenAllCame) {
  EXPECT_EQ(Read({{ProbeAspect::kSamples, Text("a"), 1}}).samples, Finding::kYes);
  const ProbeFindings one = Read({{ProbeAspect::kSamples, Text("a"), 0}});
  EXPECT_EQ(one.samples, Finding::kNo);
  EXPECT_THAT(one.notes, Contains("samples: 2 answers were asked for in one call, 1 came"));
  Failure refused;
  refused.cls = FailureClass::kBadRequest;
  EXPECT_EQ(Read({{ProbeAspect::kSamples, refused}}).samples, Finding::kNo);
}

TEST(ProbeFindingsTest, TheLastRateHeadersAreKept) {
  EXPECT_EQ(Read({}).rate_headers, Finding::kUnknown);
  EXPECT_EQ(Read({{ProbeAspect::kAnswer, Text("a")}}).rate_headers, Finding::kNo);
  const ProbeFindings findings =
      Read({{ProbeAspect::kAnswer, Text("a"), 0, {{"x-ratelimit-limit-requests", "60", 60}}},
            {ProbeAspect::kRepeat, Text("a"), 0, {{"x-ratelimit-limit-requests", "61", 61}}},
            {ProbeAspect::kSchema, Text("a")}});
  EXPECT_EQ(findings.rate_headers, Finding::kYes);
  ASSERT_EQ(findings.headers.size(), 1u);
  EXPECT_EQ(findings.headers[0].limit, 61);
}

TEST(ProbeFindingsTest, RetirementIsTheListsWordOrUnknownWithAReason) {
  EXPECT_EQ(Read({}, std::optional(ListedModel{"2027-03-31"})).retires_on, "2027-03-31");
  EXPECT_EQ(Read({}, std::optional(ListedModel{})).retires_on, "");
  const ProbeFindings unlisted = Read({}, std::optional<ListedModel>());
  EXPECT_EQ(unlisted.retires_on, std::nullopt);
  EXPECT_THAT(unlisted.notes, Contains(HasSubstr("lacks the model")));
  EXPECT_THAT(Read({}).notes, Contains(HasSubstr("there is no list")));
}

TEST(ProbeFindingsTest, EveryUnknownHasAReason) {
  const ProbeFindings findings = ReadProbe(PlanProbe({}, 0), {}, kNoListing);
  for (const char* aspect :
       {"repeat: ", "seed: ", "continuation: ", "schema: ", "choices: ", "samples: ",
        "bytes, ids: ", "chosen token: ", "temperature: ", "retirement: "}) {
    EXPECT_THAT(findings.notes, Contains(StartsWith(aspect)));
  }
}

}  // namespace
}  // namespace limbeck::gateway
