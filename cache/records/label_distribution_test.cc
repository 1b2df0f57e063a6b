#include "cache/records/label_distribution.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>
#include <random>

#include "base/error_details.h"

namespace limbeck::cache {
namespace {

LabelSet Sentiment() {
  auto set = LabelSet::Create({{"positive", {"pos"}}, {"negative", {}}, {"Not Sure", {}}});
  EXPECT_TRUE(set.ok()) << set.status();
  return *set;
}

SoftOutput Text(std::string text) {
  SoftOutput output;
  output.text = std::move(text);
  return output;
}

SoftOutput TopK(std::vector<std::pair<std::string, double>> candidates) {
  SoftOutput output = Text(candidates[0].first);
  output.support = Support::kTopK;
  output.top_logprobs = static_cast<uint32_t>(candidates.size());
  Token token;
  token.bytes = candidates[0].first;
  token.logprob = static_cast<float>(std::log(candidates[0].second));
  for (const auto& [bytes, probability] : candidates) {
    token.candidates.push_back({bytes, {}, static_cast<float>(std::log(probability))});
  }
  output.tokens.push_back(std::move(token));
  return output;
}

double Sum(const LabelDistribution& d) {
  return std::accumulate(d.probabilities.begin(), d.probabilities.end(), d.leftover);
}

TEST(LabelSetTest, MatchesAnyCaseWithLeadingSpaceAndTrailingPunctuation) {
  const LabelSet set = Sentiment();
  EXPECT_EQ(set.Match(" Positive."), 0);
  EXPECT_EQ(set.Match("POS"), 0);
  EXPECT_EQ(set.Match("\nnegative!\n"), 1);
  EXPECT_EQ(set.Match("not sure"), 2);
  EXPECT_EQ(set.Match("neutral"), -1);
  EXPECT_EQ(set.Match(""), -1);
}

TEST(LabelSetTest, RefusesSetsThatCannotBeTold) {
  EXPECT_FALSE(LabelSet::Create({{"a", {}}}).ok());
  EXPECT_FALSE(LabelSet::Create({{"a", {}}, {"A", {}}}).ok());
  EXPECT_FALSE(LabelSet::Create({{"a", {"x"}}, {"b", {" X."}}}).ok());
  EXPECT_FALSE(LabelSet::Create({{"a", {}}, {"?", {}}}).ok());
  EXPECT_TRUE(LabelSet::Create({{"a", {"A"}}, {"b", {}}}).ok());
}

TEST(LabelDistributionTest, SumsSpellingsAndKeepsTheRestAsLeftover) {
  const auto d = Sentiment().Distribution(
      {TopK({{" positive", 0.5}, {"Pos", 0.125}, {"neg", 0.25}, {"the", 0.0625}})}, 0.1);
  ASSERT_TRUE(d.ok()) << d.status();
  EXPECT_NEAR(d->probabilities[0], 0.625, 1e-6);
  EXPECT_NEAR(d->probabilities[1], 0.25, 1e-6);
  EXPECT_NEAR(d->leftover, 0.125, 1e-6);
  EXPECT_EQ(d->source, LabelSource::kTopK);
  EXPECT_EQ(d->answers, 1u);
  EXPECT_EQ(d->Best(), 0u);
}

TEST(LabelDistributionTest, APrefixOfTwoLabelsIsLeftover) {
  const auto d = Sentiment().Distribution({TopK({{"positive", 0.5}, {"n", 0.3}, {"not", 0.1}})}, 0);
  ASSERT_TRUE(d.ok()) << d.status();
  EXPECT_NEAR(d->probabilities[1], 0.0, 1e-9);
  EXPECT_NEAR(d->probabilities[2], 0.1, 1e-6);
  EXPECT_NEAR(d->leftover, 0.4, 1e-6);
}

TEST(LabelDistributionTest, SkipsLeadingWhitespaceTokens) {
  SoftOutput output = TopK({{"negative", 1.0}});
  Token space;
  space.bytes = "\n";
  space.logprob = -0.1F;
  output.tokens.insert(output.tokens.begin(), space);
  const auto d = Sentiment().Distribution({output}, 0.5);
  ASSERT_TRUE(d.ok()) << d.status();
  EXPECT_EQ(d->Best(), 1u);
}

TEST(LabelDistributionTest, CountsTheChosenTokenWhereTheProviderDidNotListIt) {
  SoftOutput output = TopK({{"the", 0.25}});
  output.tokens[0].bytes = "negative";
  output.tokens[0].logprob = static_cast<float>(std::log(0.5));
  const auto d = Sentiment().Distribution({output}, 0.4);
  ASSERT_TRUE(d.ok()) << d.status();
  EXPECT_NEAR(d->probabilities[1], 0.5, 1e-6);
}

TEST(LabelDistributionTest, WhatIsNotListedIsBoundedByTheSmallestListed) {
  const auto full =
      Sentiment().Distribution({TopK({{"positive", 0.5}, {"the", 0.25}, {"a", 0.125}})}, 0.1);
  ASSERT_TRUE(full.ok()) << full.status();
  EXPECT_EQ(full->probabilities[1], 0.0);
  EXPECT_NEAR(full->absent_bound, 0.125, 1e-6);
  // The list leaves less than its smallest entry.
  const auto all = Sentiment().Distribution({TopK({{"positive", 0.75}, {"the", 0.1875}})}, 0.1);
  EXPECT_NEAR(all->absent_bound, 0.0625, 1e-6);
  // A token that was drawn although it is not among the likeliest says nothing about the others.
  SoftOutput drawn = TopK({{"positive", 0.5}});
  drawn.tokens[0].bytes = "rare";
  drawn.tokens[0].logprob = static_cast<float>(std::log(0.01));
  EXPECT_NEAR(Sentiment().Distribution({drawn}, 0.1)->absent_bound, 0.49, 1e-6);
  EXPECT_EQ(Sentiment().Distribution({Text("positive")}, 0.1)->absent_bound, 0.0);
}

TEST(LabelDistributionTest, VotesAreSmoothed) {
  const auto d =
      Sentiment().Distribution({Text("positive"), Text("Positive."), Text("dunno")}, 0.5);
  ASSERT_TRUE(d.ok()) << d.status();
  EXPECT_EQ(d->source, LabelSource::kVotes);
  EXPECT_EQ(d->answers, 3u);
  EXPECT_NEAR(d->probabilities[0], 2.5 / 4.5, 1e-12);
  EXPECT_NEAR(d->probabilities[1], 0.5 / 4.5, 1e-12);
  EXPECT_NEAR(d->leftover, 1.0 / 4.5, 1e-12);
}

std::string Reason(const absl::Status& status) {
  return GetReason(status).value_or(ErrorReason()).reason;
}

TEST(LabelDistributionTest, FailuresNameTheirReason) {
  const LabelSet set = Sentiment();
  const absl::Status none = set.Distribution({TopK({{"the", 0.9}})}, 0.5).status();
  EXPECT_EQ(none.code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(Reason(none), "NO_LABEL");
  EXPECT_EQ(Reason(set.Distribution({TopK({{"pos", 0.2}, {"x", 0.8}})}, 0.5).status()), "NO_LABEL");
  EXPECT_EQ(Reason(set.Distribution({Text("dunno")}, 0.0).status()), "NO_LABEL");
  EXPECT_EQ(Reason(set.Distribution({}, 0.0).status()), "NO_LABEL");
  SoftOutput asked = Text("positive");
  asked.top_logprobs = 5;
  const absl::Status no_logprobs = set.Distribution({asked}, 0.5).status();
  EXPECT_EQ(no_logprobs.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(Reason(no_logprobs), "NO_LOGPROBS");
  SoftOutput refused = Text("");
  refused.finish_reason = FinishReason::kRefusal;
  EXPECT_EQ(Reason(set.Distribution({refused, refused}, 0.5).status()), "REFUSED");
  EXPECT_TRUE(set.Distribution({refused, Text("positive")}, 0.5).ok());
}

TEST(LabelDistributionTest, AlwaysSumsToOne) {
  const uint32_t seed = std::random_device{}();
  SCOPED_TRACE(seed);
  std::mt19937 random(seed);
  const LabelSet set = Sentiment();
  const std::vector<std::string> words = {"positive", " pos", "neg", "n",    "Not",
                                          "not sure", "",     "the", "\xff", "negative."};
  for (int round = 0; round < 2000; ++round) {
    std::vector<SoftOutput> outputs;
    const bool votes = random() % 2 == 0;
    for (uint32_t n = 1 + random() % 5; n > 0; --n) {
      if (votes) {
        outputs.push_back(Text(words[random() % words.size()]));
        continue;
      }
      std::vector<std::pair<std::string, double>> candidates;
      for (uint32_t c = 1 + random() % 8; c > 0; --c) {
        candidates.emplace_back(words[random() % words.size()], (random() % 1000) / 2500.0 + 1e-9);
      }
      outputs.push_back(TopK(candidates));
    }
    const auto d = set.Distribution(outputs, 0.0);
    if (!d.ok()) continue;
    EXPECT_NEAR(Sum(*d), 1.0, 1e-9);
    EXPECT_GE(d->leftover, 0.0);
    for (const double p : d->probabilities) EXPECT_GE(p, 0.0);
  }
}

}  // namespace
}  // namespace limbeck::cache
