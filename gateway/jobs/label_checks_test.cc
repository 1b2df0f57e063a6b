#include "gateway/jobs/label_checks.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gateway/jobs/spec_defaults.h"

namespace limbeck::gateway {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class LabelChecksTest : public ::testing::Test {
 protected:
  LabelChecksTest() {
    spec_.add_teachers()->set_teacher("probed");
    v1::ClassifyTask* task = spec_.mutable_task()->mutable_classify();
    task->add_labels()->set_name("yes");
    task->add_labels()->set_name("no");
  }

  // "field description" of each fault.
  std::vector<std::string> Faults() {
    const TeacherCatalog teachers = {{teacher_.name, teacher_}};
    FillDefaults(teachers, &spec_);
    FaultList faults;
    CheckLabelMethod(spec_, teachers, &faults);
    std::vector<std::string> texts;
    for (const Fault& fault : faults.Take()) texts.push_back(fault.field + " " + fault.description);
    return texts;
  }

  TeacherFacts teacher_ = {.name = "probed",
                           .gives_top_logprobs = true,
                           .max_top_logprobs = 5,
                           .probed_on = "2026-11-24"};
  v1::JobSpec spec_;
};

TEST_F(LabelChecksTest, NoMoreCandidatesAreAskedForByDefaultThanAProbeSaw) {
  EXPECT_THAT(Faults(), IsEmpty());
  EXPECT_EQ(spec_.teachers(0).top_logprobs(), 5u);
}

TEST_F(LabelChecksTest, MoreCandidatesThanAProbeSawAreRefusedWithItsDate) {
  spec_.mutable_teachers(0)->set_top_logprobs(20);
  EXPECT_THAT(Faults(),
              ElementsAre(AllOf(HasSubstr("teachers[0].top_logprobs is 20"),
                                HasSubstr("as probed on 2026-11-24"), HasSubstr("at most 5"))));
}

TEST_F(LabelChecksTest, ATeacherThatWasSeenToGiveTextOnlyIsAskedForVotes) {
  teacher_.gives_top_logprobs = false;
  EXPECT_THAT(Faults(), IsEmpty());
  EXPECT_EQ(spec_.task().classify().label_method(), v1::ClassifyTask::LABEL_METHOD_VOTES);
  spec_.mutable_task()->mutable_classify()->set_label_method(
      v1::ClassifyTask::LABEL_METHOD_FIRST_TOKEN);
  EXPECT_THAT(Faults(), ElementsAre(HasSubstr("as probed on 2026-11-24")));
}

TEST_F(LabelChecksTest, VotesAreHeldToTheLabelsWhereTheTeacherCanBeHeld) {
  v1::ClassifyTask& task = *spec_.mutable_task()->mutable_classify();
  teacher_.gives_top_logprobs = false;
  EXPECT_THAT(Faults(), IsEmpty());
  EXPECT_FALSE(task.has_hold_votes_to_labels());
  teacher_.holds_to_choices = true;
  EXPECT_THAT(Faults(), IsEmpty());
  EXPECT_TRUE(task.hold_votes_to_labels());
  // What a person says stays.
  task.set_hold_votes_to_labels(false);
  EXPECT_THAT(Faults(), IsEmpty());
  EXPECT_FALSE(task.hold_votes_to_labels());
}

TEST_F(LabelChecksTest, VotesAreNotHeldToALongListUnlessAsked) {
  v1::ClassifyTask& task = *spec_.mutable_task()->mutable_classify();
  teacher_.gives_top_logprobs = false;
  teacher_.holds_to_choices = true;
  for (int i = 0; i < 99; ++i) task.mutable_labels(0)->add_variants(absl::StrCat("yes ", i));
  EXPECT_THAT(Faults(), IsEmpty());
  EXPECT_FALSE(task.has_hold_votes_to_labels());
  task.set_hold_votes_to_labels(true);
  EXPECT_THAT(Faults(), IsEmpty());
}

TEST_F(LabelChecksTest, VotesAreNotHeldByATeacherThatCannotOrWithoutVotes) {
  v1::ClassifyTask& task = *spec_.mutable_task()->mutable_classify();
  task.set_hold_votes_to_labels(true);
  task.set_label_method(v1::ClassifyTask::LABEL_METHOD_VOTES);
  EXPECT_THAT(Faults(), ElementsAre(AllOf(HasSubstr("task.classify.hold_votes_to_labels is true"),
                                          HasSubstr("cannot be held to a list"))));
  teacher_.holds_to_choices = true;
  task.set_label_method(v1::ClassifyTask::LABEL_METHOD_FIRST_TOKEN);
  EXPECT_THAT(Faults(), ElementsAre(HasSubstr("labels come from LABEL_METHOD_FIRST_TOKEN")));
}

TEST_F(LabelChecksTest, Case21LogprobsAfterTemperatureAreAskedForAtOne) {
  teacher_.logprobs_after_temperature = true;
  EXPECT_THAT(Faults(), IsEmpty());
  EXPECT_EQ(spec_.teachers(0).sampling().temperature(), 1.0);
  spec_.mutable_teachers(0)->mutable_sampling()->set_temperature(0);
  EXPECT_THAT(Faults(), ElementsAre(AllOf(HasSubstr("teachers[0].sampling.temperature is not 1"),
                                          HasSubstr("as probed on 2026-11-24"))));
  spec_.mutable_teachers(0)->add_temperatures(1.0);
  EXPECT_THAT(Faults(), IsEmpty());
  spec_.mutable_teachers(0)->add_temperatures(0.5);
  EXPECT_THAT(Faults(), ElementsAre(HasSubstr("teachers[0].temperatures has not 1")));
}

TEST_F(LabelChecksTest, ASeedIsRefusedWhereItMeansNothing) {
  teacher_.honours_seed = false;
  EXPECT_THAT(Faults(), IsEmpty());
  spec_.mutable_teachers(0)->mutable_sampling()->set_seed(7);
  EXPECT_THAT(Faults(), ElementsAre(HasSubstr("teachers[0].sampling.seed is set")));
}

TEST_F(LabelChecksTest, ARetiredModelIsRefused) {
  teacher_.retired_on = "2026-10-23";
  EXPECT_THAT(Faults(),
              ElementsAre(AllOf(HasSubstr("teachers[0].teacher"), HasSubstr("since 2026-10-23"))));
}

}  // namespace
}  // namespace limbeck::gateway
