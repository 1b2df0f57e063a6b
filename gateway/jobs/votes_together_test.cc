#include "gateway/jobs/votes_together.h"

#include <gtest/gtest.h>

namespace limbeck::gateway {
namespace {

class VotesTogetherTest : public ::testing::Test {
 protected:
  VotesTogetherTest() {
    JobTeacher teacher;
    teacher.facts.name = "t";
    teacher.facts.answers_per_call = 8;
    teachers_["t"] = teacher;
    context_.teachers = &teachers_;
    v1::TeacherUse* use = spec_.add_teachers();
    use->set_teacher("t");
    use->set_votes(12);
    spec_.mutable_task()->mutable_classify()->set_label_method(
        v1::ClassifyTask::LABEL_METHOD_VOTES);
  }

  JobTeachers teachers_;
  JobContext context_;
  v1::JobSpec spec_;
};

TEST_F(VotesTogetherTest, AsManyAsTheTeacherGivesAndTheFirstRoundNeeds) {
  EXPECT_EQ(VotesPerCall(context_, spec_), 8u);
  spec_.mutable_teachers(0)->mutable_voting()->set_min_votes(4);
  spec_.mutable_teachers(0)->mutable_voting()->set_max_votes(32);
  EXPECT_EQ(VotesPerCall(context_, spec_), 4u);
}

TEST_F(VotesTogetherTest, AProbeHasTheLastWord) {
  context_.apply_probe = [](TeacherFacts* facts) { facts->answers_per_call = 1; };
  EXPECT_EQ(VotesPerCall(context_, spec_), 1u);
}

TEST_F(VotesTogetherTest, OtherLabelsAndSeedsAreAskedForOneByOne) {
  spec_.mutable_teachers(0)->mutable_sampling()->set_seed(3);
  EXPECT_EQ(VotesPerCall(context_, spec_), 1u);
  spec_.mutable_teachers(0)->mutable_sampling()->clear_seed();
  spec_.mutable_task()->mutable_classify()->set_label_method(
      v1::ClassifyTask::LABEL_METHOD_FIRST_TOKEN);
  EXPECT_EQ(VotesPerCall(context_, spec_), 1u);
}

TEST_F(VotesTogetherTest, PartsSumUpToTheWhole) {
  const std::vector<int64_t> amounts = SplitAmount(10, 4);
  EXPECT_EQ(amounts, (std::vector<int64_t>{3, 3, 2, 2}));
  const auto usage = SplitUsage(
      {.input_tokens = 10, .cached_input_tokens = 9, .output_tokens = 3, .reasoning_tokens = 1}, 4);
  cache::Usage sum;
  for (const cache::Usage& part : usage) {
    EXPECT_LE(part.cached_input_tokens, part.input_tokens);
    sum.input_tokens += part.input_tokens;
    sum.cached_input_tokens += part.cached_input_tokens;
    sum.output_tokens += part.output_tokens;
    sum.reasoning_tokens += part.reasoning_tokens;
  }
  EXPECT_EQ(sum.input_tokens, 10u);
  EXPECT_EQ(sum.cached_input_tokens, 9u);
  EXPECT_EQ(sum.output_tokens, 3u);
  EXPECT_EQ(sum.reasoning_tokens, 1u);
  EXPECT_EQ(PartOfCall({100, 4}, 8).input, 13);
  EXPECT_EQ(PartOfCall({100, 4}, 8).output, 4);
}

}  // namespace
}  // namespace limbeck::gateway
