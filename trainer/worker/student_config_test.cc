#include "trainer/worker/student_config.h"

#include <gtest/gtest.h>

#include "trainer/students/student.h"

namespace limbeck::trainer {
namespace {

v1::WorkResponse::Assignment Assignment() {
  v1::WorkResponse::Assignment assignment;
  v1::JobSpec* spec = assignment.mutable_spec();
  spec->mutable_task()->mutable_classify()->add_labels()->set_name("red");
  spec->mutable_task()->mutable_classify()->add_labels()->set_name("blue");
  v1::NgramStudent* ngram = spec->mutable_student()->mutable_ngram();
  ngram->set_hash_bits(12);
  ngram->set_max_word_ngram(2);
  ngram->set_min_char_ngram(3);
  ngram->set_max_char_ngram(5);
  spec->mutable_method()->set_epochs(3);
  assignment.set_train_snapshot_id("abc");
  assignment.set_train_items(10);
  return assignment;
}

TEST(StudentConfigTest, BothKindsMakeAStudent) {
  v1::JobSpec spec = Assignment().spec();
  EXPECT_EQ(CreateStudent(StudentConfigJson(spec), 1).value()->kind(), "ngram");
  v1::EncoderStudent* encoder = spec.mutable_student()->mutable_encoder();
  encoder->set_width(16);
  encoder->set_layers(1);
  encoder->set_heads(2);
  encoder->set_max_tokens(8);
  encoder->set_vocabulary_bits(10);
  encoder->set_dropout(0.1);
  EXPECT_EQ(CreateStudent(StudentConfigJson(spec), 1).value()->kind(), "encoder");
}

TEST(StudentConfigTest, TheRunHashCoversWhatDecidesTheResultOnly) {
  v1::WorkResponse::Assignment assignment = Assignment();
  const std::string hash = MakeTrainOptions(assignment, "d").run_hash;
  assignment.mutable_spec()->mutable_budget()->set_ceiling_micro_usd(5);
  assignment.set_world_size(7);
  EXPECT_EQ(MakeTrainOptions(assignment, "e").run_hash, hash);
  assignment.mutable_spec()->mutable_method()->set_seed(2);
  EXPECT_NE(MakeTrainOptions(assignment, "d").run_hash, hash);
}

TEST(StudentConfigTest, AnswersAreReadAndBlurredAsTheSpecSays) {
  v1::JobSpec spec = Assignment().spec();
  v1::ClassifyTask* task = spec.mutable_task()->mutable_classify();
  task->set_label_method(v1::ClassifyTask::LABEL_METHOD_VERBALISED);
  task->mutable_calibration()->set_temperature(2);
  v1::Voting* voting = spec.add_teachers()->mutable_voting();
  voting->set_min_votes(3);
  voting->set_max_votes(9);
  v1::OutputNoise* noise = spec.mutable_noise()->mutable_output();
  noise->set_logit_noise(0.5);
  noise->set_top_k(2);
  noise->set_label_smoothing(0.1);
  const auto decoder = MakeRowDecoder(spec);
  ASSERT_TRUE(decoder.ok()) << decoder.status();
  const cache::LabelReading& reading = decoder->reader.reading();
  EXPECT_EQ(reading.method, cache::LabelMethod::kVerbalised);
  EXPECT_EQ(reading.temperature, 2.0);
  EXPECT_EQ(reading.voting->max_votes, 9u);
  EXPECT_EQ(decoder->noise.logit_noise, 0.5);
  EXPECT_EQ(decoder->noise.top_k, 2u);
  EXPECT_EQ(decoder->noise.label_smoothing, 0.1);
}

TEST(StudentConfigTest, GoldHardLabelsNeedGold) {
  v1::JobSpec spec = Assignment().spec();
  EXPECT_FALSE(MakeRowDecoder(spec)->needs_gold);
  spec.mutable_method()->set_hard_labels(v1::HARD_LABEL_SOURCE_GOLD);
  EXPECT_TRUE(MakeRowDecoder(spec)->needs_gold);
}

}  // namespace
}  // namespace limbeck::trainer
