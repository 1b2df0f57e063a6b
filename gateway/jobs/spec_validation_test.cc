#include "gateway/jobs/spec_validation.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "gateway/jobs/spec_defaults.h"

namespace limbeck::gateway {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::Field;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr char kDigits[] = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

class SpecValidationTest : public testing::Test {
 protected:
  SpecValidationTest() {
    for (v1::Dataset* dataset : {&train_, &held_out_}) {
      dataset->set_id(std::string("sha256:") + kDigits);
      dataset->add_columns("text");
      dataset->add_columns("label");
    }
    teachers_["good"] = {.name = "good",
                         .gives_top_logprobs = true,
                         .trainable = true,
                         .input_micro_usd_per_million = 1};
    teachers_["forbidden"] = {.name = "forbidden", .gives_top_logprobs = true};
    spec_.mutable_data()->mutable_train()->set_id(train_.id());
    spec_.mutable_data()->mutable_held_out()->set_id(held_out_.id());
    spec_.mutable_data()->mutable_prompt()->set_user("Definition: {{ text }}");
    spec_.add_teachers()->set_teacher("good");
    for (const char* name : {"red", "blue"}) {
      spec_.mutable_task()->mutable_classify()->add_labels()->set_name(name);
    }
    spec_.mutable_budget()->set_ceiling_micro_usd(1'000'000);
  }

  std::vector<Fault> Validate() {
    v1::JobSpec spec = spec_;
    FillDefaults(teachers_, &spec);
    return ValidateSpec(spec, {.teachers = &teachers_, .train = &train_, .held_out = &held_out_});
  }

  v1::Dataset train_;
  v1::Dataset held_out_;
  TeacherCatalog teachers_;
  v1::JobSpec spec_;
};

MATCHER_P2(FaultAt, field, description, "") {
  return arg.field == field && arg.description.find(description) != std::string::npos;
}

TEST_F(SpecValidationTest, ASoundSpecHasNoFaults) { EXPECT_THAT(Validate(), IsEmpty()); }

TEST_F(SpecValidationTest, AllFaultsAreToldAtOnce) {
  spec_.mutable_teachers(0)->set_teacher("nobody");
  spec_.mutable_method()->set_epochs(20'000);
  spec_.mutable_student()->mutable_ngram()->set_hash_bits(3);
  spec_.mutable_data()->mutable_prompt()->set_user("{{ text ");
  EXPECT_THAT(Validate(),
              AllOf(Contains(FaultAt("teachers[0].teacher", "known are forbidden, good")),
                    Contains(FaultAt("method.epochs", "expected 1 to 10000")),
                    Contains(FaultAt("student.ngram.hash_bits", "expected 10 to 24")),
                    Contains(FaultAt("data.prompt.user", "syntax error"))));
}

TEST_F(SpecValidationTest, AVariableThatNoRowHasIsNamedWithItsPart) {
  spec_.mutable_data()->mutable_prompt()->add_examples()->set_user("{{ gloss }}");
  EXPECT_THAT(Validate(),
              Contains(FaultAt("data.prompt.examples[0].user", "reads column \"gloss\"")));
}

TEST_F(SpecValidationTest, ATeacherWithoutPermissionIsRefusedByName) {
  spec_.mutable_teachers(0)->set_teacher("forbidden");
  const std::vector<Fault> faults = Validate();
  EXPECT_THAT(faults, ElementsAre(FaultAt("teachers[0].teacher", "evaluation only")));
  EXPECT_EQ(faults[0].reason, kTeacherForbidsTraining);
}

TEST_F(SpecValidationTest, RatiosOutOfRangeAreNamed) {
  const std::vector<std::pair<std::string, std::function<void(v1::JobSpec*)>>> cases = {
      {"method.hard_weight.start",
       [](v1::JobSpec* s) { s->mutable_method()->mutable_hard_weight()->set_start(1.5); }},
      {"method.validation_share",
       [](v1::JobSpec* s) { s->mutable_method()->set_validation_share(0.9); }},
      {"acceptance.margin", [](v1::JobSpec* s) { s->mutable_acceptance()->set_margin(-0.1); }},
      {"noise.prompt.word_drop",
       [](v1::JobSpec* s) {
         s->mutable_noise()->mutable_prompt()->set_variants(1);
         s->mutable_noise()->mutable_prompt()->set_word_drop(0.9);
       }},
      {"max_rejected_share", [](v1::JobSpec* s) { s->set_max_rejected_share(2); }},
  };
  const v1::JobSpec sound = spec_;
  for (const auto& [field, spoil] : cases) {
    spec_ = sound;
    spoil(&spec_);
    EXPECT_THAT(Validate(), Contains(Field(&Fault::field, field))) << field;
  }
}

TEST_F(SpecValidationTest, RepeatedLabelsAreAFault) {
  spec_.mutable_task()->mutable_classify()->add_labels()->set_name("red");
  EXPECT_THAT(Validate(), Contains(Field(&Fault::field, HasSubstr("task.classify.labels"))));
}

TEST_F(SpecValidationTest, GoldHardLabelsNeedTheColumnInTheTrainingRows) {
  train_.clear_columns();
  train_.add_columns("text");
  EXPECT_THAT(Validate(), IsEmpty());
  spec_.mutable_method()->set_hard_labels(v1::HARD_LABEL_SOURCE_GOLD);
  EXPECT_THAT(Validate(), Contains(FaultAt("data.label_column", "which the train dataset lacks")));
}

TEST_F(SpecValidationTest, APathWithoutIdSaysToUpload) {
  spec_.mutable_data()->mutable_train()->clear_id();
  spec_.mutable_data()->mutable_train()->set_path("rows.jsonl");
  EXPECT_THAT(Validate(), Contains(FaultAt("data.train.id", "upload rows.jsonl")));
}

}  // namespace
}  // namespace limbeck::gateway
