#include "cache/records/label_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

#include "base/error_details.h"
#include "base/hash.h"

namespace limbeck::cache {
namespace {

using ::testing::ElementsAre;

LabelReader Reader(LabelMethod method, LabelReading reading = {},
                   std::vector<LabelSpec> labels = {{"good", {}}, {"bad", {}}}) {
  reading.method = method;
  return LabelReader(LabelSet::Create(std::move(labels)).value(), reading);
}

SoftOutput Text(std::string text) {
  SoftOutput output;
  output.text = std::move(text);
  return output;
}

SoftOutput Refusal(std::string text = "") {
  SoftOutput output = Text(std::move(text));
  output.finish_reason = FinishReason::kRefusal;
  return output;
}

// A scored answer, its tokens with these probabilities.
SoftOutput Scored(const std::vector<std::pair<std::string, double>>& tokens) {
  SoftOutput output;
  output.support = Support::kChosenOnly;
  for (const auto& [bytes, probability] : tokens) {
    output.text += bytes;
    output.tokens.push_back({.bytes = bytes, .logprob = static_cast<float>(std::log(probability))});
  }
  return output;
}

std::string Reason(const absl::Status& status) {
  return GetReason(status).value_or(ErrorReason()).reason;
}

double Sum(const LabelDistribution& d) {
  return std::accumulate(d.probabilities.begin(), d.probabilities.end(), d.leftover);
}

TEST(LabelReaderTest, ScoresOfSeveralTokensAreProductsAndTheRestIsLeftover) {
  const LabelReader reader =
      Reader(LabelMethod::kScored, {}, {{"very good", {}}, {"bad", {}}, {"unclear", {}}});
  const auto d = reader.Read({Scored({{"very", 0.5}, {" good", 0.8}}), Scored({{"bad", 0.25}}),
                              Scored({{"un", 0.5}, {"clear", 0.25}})});
  ASSERT_TRUE(d.ok()) << d.status();
  EXPECT_EQ(d->source, LabelSource::kScored);
  EXPECT_NEAR(d->probabilities[0], 0.4, 1e-6);
  EXPECT_NEAR(d->probabilities[1], 0.25, 1e-6);
  EXPECT_NEAR(d->probabilities[2], 0.125, 1e-6);
  EXPECT_NEAR(d->leftover, 0.225, 1e-6);
  EXPECT_EQ(d->answers, 3u);
}

TEST(LabelReaderTest, ANameThatBeginsAnotherLosesWhatTheLongerOneHas) {
  const LabelReader reader =
      Reader(LabelMethod::kScored, {}, {{"not", {}}, {"not sure", {}}, {"not sure yet", {}}});
  const auto d = reader.Read({Scored({{"not", 0.8}}), Scored({{"not", 0.8}, {" sure", 0.5}}),
                              Scored({{"not", 0.8}, {" sure", 0.5}, {" yet", 0.25}})});
  ASSERT_TRUE(d.ok()) << d.status();
  EXPECT_NEAR(d->probabilities[0], 0.4, 1e-6);
  EXPECT_NEAR(d->probabilities[1], 0.3, 1e-6);
  EXPECT_NEAR(d->probabilities[2], 0.1, 1e-6);
  EXPECT_NEAR(Sum(*d), 1.0, 1e-9);
}

TEST(LabelReaderTest, ScoresAboveOneAreDividedByTheirSum) {
  const auto d =
      Reader(LabelMethod::kScored).Read({Scored({{"bad", 0.9}}), Scored({{"good", 0.3}})});
  ASSERT_TRUE(d.ok()) << d.status();
  EXPECT_NEAR(d->probabilities[0], 0.25, 1e-6);
  EXPECT_EQ(d->leftover, 0.0);
}

TEST(LabelReaderTest, AMissingScoreIsNoProbability) {
  const LabelReader reader = Reader(LabelMethod::kScored);
  EXPECT_EQ(Reason(reader.Read({Scored({{"good", 0.5}})}).status()), "NO_LOGPROBS");
  SoftOutput half = Scored({{"b", 0.5}, {"ad", 0.5}});
  half.tokens[1].logprob.reset();
  EXPECT_EQ(Reason(reader.Read({Scored({{"good", 0.5}}), half}).status()), "NO_LOGPROBS");
  EXPECT_EQ(Reason(reader.Read({}).status()), "NO_LOGPROBS");
  EXPECT_EQ(Reason(reader.Read({Refusal(), Refusal()}).status()), "REFUSED");
  EXPECT_EQ(Reason(reader.Read({Scored({{"good", 0.01}}), Scored({{"bad", 0.01}})}).status()),
            "NO_LABEL");
}

TEST(LabelReaderTest, StatedNumbersAreRenormalisedFlooredAndKept) {
  const auto d = Reader(LabelMethod::kVerbalised).Read({Text(R"({"good": 60, "bad": 20})")});
  ASSERT_TRUE(d.ok()) << d.status();
  EXPECT_EQ(d->source, LabelSource::kVerbalised);
  EXPECT_THAT(d->stated, ElementsAre(60, 20));
  EXPECT_NEAR(d->probabilities[0], 0.75, 1e-12);
  EXPECT_EQ(d->leftover, 0.0);
  const auto sure = Reader(LabelMethod::kVerbalised).Read({Text(R"({"good": 1, "bad": 0})")});
  EXPECT_NEAR(sure->probabilities[1], 0.005 / 1.005, 1e-12);
  EXPECT_NEAR(Sum(*sure), 1.0, 1e-12);
}

TEST(LabelReaderTest, CalibrationTempersStatedNumbers) {
  const auto d = Reader(LabelMethod::kVerbalised, {.temperature = 2})
                     .Read({Text(R"({"good": 0.9, "bad": 0.1})")});
  ASSERT_TRUE(d.ok()) << d.status();
  EXPECT_NEAR(d->probabilities[0], 0.75, 1e-12);
}

TEST(LabelReaderTest, StatedNumbersThatDoNotValidateAreNamed) {
  const LabelReader reader = Reader(LabelMethod::kVerbalised);
  EXPECT_EQ(Reason(reader.Read({Text("good")}).status()), "SCHEMA_INVALID");
  EXPECT_EQ(Reason(reader.Read({Text(R"({"good": 0.9})")}).status()), "SCHEMA_INVALID");
  EXPECT_EQ(Reason(reader.Read({Text(R"({"good": 0, "bad": 0})")}).status()), "NO_LABEL");
  EXPECT_EQ(Reason(reader.Read({Text(R"({"good": 0.01, "bad": 0.01})")}).status()), "NO_LABEL");
  EXPECT_EQ(Reason(reader.Read({Refusal()}).status()), "REFUSED");
  EXPECT_EQ(Reason(reader.Read({}).status()), "NO_LABEL");
}

TEST(LabelReaderTest, SchemaAnswersAreValidatedVotes) {
  const LabelReader reader = Reader(LabelMethod::kSchema);
  const auto d = reader.Read({Text(R"({"label": "good"})"), Text(R"({"label":"good"})"),
                              Text("bad"), Text(R"({"label": "ugly"})")});
  ASSERT_TRUE(d.ok()) << d.status();
  EXPECT_EQ(d->source, LabelSource::kSchema);
  EXPECT_EQ(d->answers, 4u);
  EXPECT_NEAR(d->probabilities[0], 2.5 / 5, 1e-12);
  EXPECT_NEAR(d->leftover, 2.0 / 5, 1e-12);
  EXPECT_EQ(Reason(reader.Read({Text("good"), Text("good")}).status()), "SCHEMA_INVALID");
  EXPECT_EQ(Reason(reader.Read({Refusal()}).status()), "REFUSED");
}

TEST(LabelReaderTest, VotesIgnoreLogprobsThatARecordHappensToHave) {
  SoftOutput rich = Text("good");
  rich.support = Support::kTopK;
  rich.top_logprobs = 5;
  rich.tokens.push_back({.bytes = "bad", .logprob = -0.01F});
  const auto d = Reader(LabelMethod::kVotes).Read({rich, Text("good")});
  ASSERT_TRUE(d.ok()) << d.status();
  EXPECT_EQ(d->source, LabelSource::kVotes);
  EXPECT_NEAR(d->probabilities[0], 2.5 / 3, 1e-12);
}

TEST(LabelReaderTest, OnlyVotesThatSufficeCount) {
  const LabelReader reader =
      Reader(LabelMethod::kVotes, {.voting = VotingRule{.min_votes = 2, .max_votes = 8}});
  std::vector<SoftOutput> votes(3, Text("good"));
  EXPECT_TRUE(reader.WantsMore(votes));
  // Too few is used as it is: money may have run out.
  EXPECT_EQ(reader.Read(votes)->answers, 3u);
  votes.push_back(Text("good"));
  EXPECT_FALSE(reader.WantsMore(votes));
  const auto d = reader.Read(votes);
  // What another job bought beside does not change the result.
  votes.insert(votes.end(), 4, Text("bad"));
  const auto same = reader.Read(votes);
  EXPECT_EQ(same->answers, 4u);
  EXPECT_EQ(same->probabilities, d->probabilities);
  EXPECT_FALSE(Reader(LabelMethod::kVotes).WantsMore({Text("good")}));
}

TEST(LabelReaderTest, WhateverTheAnswersDistributionsSumToOne) {
  const std::vector<std::string> texts = {"good",
                                          " Bad.",
                                          "",
                                          "\xff",
                                          "{",
                                          R"({"label": "good"})",
                                          R"({"label": 1})",
                                          "[[[[",
                                          R"({"good": 0.2, "bad": 0.3})",
                                          R"({"good": 1e308, "bad": 1e308})",
                                          R"({"good": 1, "bad": 0})"};
  StableRandom random(5, 0);
  for (const LabelMethod method :
       {LabelMethod::kAuto, LabelMethod::kFirstToken, LabelMethod::kScored, LabelMethod::kVotes,
        LabelMethod::kVerbalised, LabelMethod::kSchema}) {
    const LabelReader reader = Reader(method, {.min_label_mass = 0,
                                               .voting = VotingRule{.min_votes = 1, .max_votes = 4},
                                               .temperature = 0.1 + 2 * random.Uniform()});
    for (int round = 0; round < 1000; ++round) {
      std::vector<SoftOutput> outputs;
      for (uint64_t n = random.Below(5); n > 0; --n) {
        const std::string& text = texts[random.Below(texts.size())];
        outputs.push_back(random.Below(2) == 0 ? Text(text)
                                               : Scored({{text, 1e-9 + random.Uniform()}}));
        if (random.Below(8) == 0) outputs.back().finish_reason = FinishReason::kFilter;
      }
      const auto d = reader.Read(outputs);
      if (!d.ok()) {
        EXPECT_NE(Reason(d.status()), "") << d.status();
        continue;
      }
      EXPECT_NEAR(Sum(*d), 1.0, 1e-9);
      for (const double p : d->probabilities) EXPECT_TRUE(p >= 0 && p <= 1) << p;
    }
  }
}

TEST(LabelReaderTest, EverySourceHasAName) {
  EXPECT_EQ(LabelSourceName(LabelSource::kTopK), "top_k");
  EXPECT_EQ(LabelSourceName(LabelSource::kScored), "scored");
  EXPECT_EQ(LabelSourceName(LabelSource::kVotes), "votes");
  EXPECT_EQ(LabelSourceName(LabelSource::kVerbalised), "verbalised");
  EXPECT_EQ(LabelSourceName(LabelSource::kSchema), "schema");
}

}  // namespace
}  // namespace limbeck::cache
