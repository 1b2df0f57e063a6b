#include "trainer/data/teacher_row.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "cache/records/record_codec.h"

namespace limbeck::trainer {
namespace {

using ::testing::DoubleNear;
using ::testing::ElementsAre;

cache::StreamItem Item(const std::vector<std::string>& texts, uint32_t epoch = 0) {
  cache::StreamItem item;
  item.epoch = epoch;
  item.example = {.row_id = "r1", .input = "a text", .gold = "Good"};
  for (const std::string& text : texts) {
    cache::SoftOutput output;
    output.text = text;
    output.finish_reason = cache::FinishReason::kStop;
    item.records.push_back(cache::EncodeRecord(output));
  }
  return item;
}

RowDecoder Decoder(cache::LabelReading reading, cache::OutputNoiseSpec noise = {}) {
  auto labels = cache::LabelSet::Create({{"good", {}}, {"bad", {}}});
  return {.reader = cache::LabelReader(*std::move(labels), reading), .noise = noise};
}

TEST(TeacherRowTest, TargetsFollowTheLabelMethod) {
  const auto schema =
      Decoder({.method = cache::LabelMethod::kSchema})
          .Decode(Item({R"({"label": "good"})", R"({"label": "bad"})", R"({"label": "good"})"}),
                  false);
  ASSERT_TRUE(schema.ok()) << schema.status();
  EXPECT_EQ(schema->teacher.source, cache::LabelSource::kSchema);
  EXPECT_THAT(schema->teacher.probabilities,
              ElementsAre(DoubleNear(2.5 / 4, 1e-12), DoubleNear(1.5 / 4, 1e-12)));
  EXPECT_EQ(schema->gold, 0);
  const auto stated = Decoder({.method = cache::LabelMethod::kVerbalised, .temperature = 2})
                          .Decode(Item({R"({"good": 0.1, "bad": 0.9})"}), false);
  ASSERT_TRUE(stated.ok()) << stated.status();
  EXPECT_THAT(stated->teacher.probabilities,
              ElementsAre(DoubleNear(0.25, 1e-12), DoubleNear(0.75, 1e-12)));
}

TEST(TeacherRowTest, VotesBeyondThoseThatSufficeAreNotCounted) {
  const RowDecoder decoder = Decoder({.method = cache::LabelMethod::kVotes,
                                      .voting = cache::VotingRule{.min_votes = 4, .max_votes = 8}});
  const auto row = decoder.Decode(Item({"good", "good", "good", "good", "bad", "bad"}), false);
  ASSERT_TRUE(row.ok()) << row.status();
  EXPECT_EQ(row->teacher.answers, 4u);
  EXPECT_NEAR(row->teacher.probabilities[0], 4.5 / 5, 1e-12);
}

TEST(TeacherRowTest, ARowThatGivesNoLabelsIsNamed) {
  const auto row = Decoder({.method = cache::LabelMethod::kSchema}).Decode(Item({"good"}), false);
  EXPECT_EQ(row.status().code(), absl::StatusCode::kDataLoss);
  EXPECT_TRUE(absl::StrContains(row.status().message(), "row r1")) << row.status();
}

TEST(TeacherRowTest, NoiseIsDrawnAnewInEachEpochAndOnlyForTraining) {
  const RowDecoder decoder = Decoder({.method = cache::LabelMethod::kVotes},
                                     {.seed = 1, .logit_noise = 1, .label_smoothing = 0.1});
  const std::vector<std::string> votes = {"good", "good", "bad"};
  const auto clean = decoder.Decode(Item(votes), false);
  const auto noisy = decoder.Decode(Item(votes), true);
  ASSERT_TRUE(clean.ok() && noisy.ok());
  EXPECT_NEAR(clean->teacher.probabilities[0], 2.5 / 4, 1e-12);
  EXPECT_NE(noisy->teacher.probabilities, clean->teacher.probabilities);
  EXPECT_EQ(decoder.Decode(Item(votes), true)->teacher.probabilities, noisy->teacher.probabilities);
  EXPECT_NE(decoder.Decode(Item(votes, 1), true)->teacher.probabilities,
            noisy->teacher.probabilities);
}

}  // namespace
}  // namespace limbeck::trainer
