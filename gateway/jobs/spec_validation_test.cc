#include "gateway/jobs/spec_validation.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_join.h"
#include "gateway/jobs/spec_defaults.h"

namespace limbeck::gateway {
namespace {

const std::string kTrainId = "sha256:" + std::string(64, 'a');

struct Case {
  std::string field;
  std::function<void(v1::JobSpec*)> spoil;
};

class SpecValidationTest : public testing::Test {
 protected:
  SpecValidationTest() {
    teachers_["free"] = {.name = "free", .gives_top_logprobs = true, .trainable = true};
    teachers_["text"] = {.name = "text", .trainable = true};
    teachers_["paid"] = {.name = "paid", .trainable = true, .input_micro_usd_per_million = 5};
    train_.set_id(kTrainId);
    for (const char* column : {"text", "label"}) train_.add_columns(column);
    context_.teachers = &teachers_;
    context_.train = &train_;
    spec_.mutable_data()->mutable_train()->set_id(kTrainId);
    spec_.mutable_data()->mutable_prompt()->set_user("{{ text }}");
    spec_.add_teachers()->set_teacher("free");
    v1::ClassifyTask* task = spec_.mutable_task()->mutable_classify();
    task->add_labels()->set_name("yes");
    task->add_labels()->set_name("no");
  }

  std::vector<std::string> Fields() {
    FillDefaults(teachers_, &spec_);
    std::vector<std::string> fields;
    for (const Fault& fault : ValidateSpec(spec_, context_)) fields.push_back(fault.field);
    return fields;
  }

  // That each case spoils just its field.
  void ExpectFields(const std::vector<Case>& cases) {
    const v1::JobSpec sound = spec_;
    for (const Case& one : cases) {
      spec_ = sound;
      one.spoil(&spec_);
      EXPECT_EQ(absl::StrJoin(Fields(), " "), one.field);
    }
  }

  TeacherCatalog teachers_;
  v1::Dataset train_;
  SpecContext context_;
  v1::JobSpec spec_;
};

TEST_F(SpecValidationTest, SmallestSpecIsSoundOnceDefaultsAreFilledIn) {
  EXPECT_EQ(Fields(), std::vector<std::string>{});
  EXPECT_EQ(spec_.teachers(0).top_logprobs(), 20u);
  EXPECT_EQ(spec_.teachers(0).sampling().temperature(), 0.0);
  EXPECT_EQ(spec_.method().temperature().start(), 5.0);
  EXPECT_EQ(spec_.smoke().usable(), 15u);
  EXPECT_TRUE(spec_.student().has_ngram());
}

TEST_F(SpecValidationTest, DefaultsAreIdempotent) {
  FillDefaults(teachers_, &spec_);
  const std::string once = spec_.SerializeAsString();
  FillDefaults(teachers_, &spec_);
  EXPECT_EQ(spec_.SerializeAsString(), once);
}

TEST_F(SpecValidationTest, AskedZerosAreNotReplacedByDefaults) {
  spec_.mutable_method()->set_weight_decay(0.0);
  spec_.mutable_method()->set_validation_share(0.0);
  spec_.mutable_student()->mutable_ngram()->set_max_char_ngram(0);
  EXPECT_EQ(Fields(), std::vector<std::string>{});
  EXPECT_EQ(spec_.method().weight_decay(), 0.0);
  EXPECT_EQ(spec_.student().ngram().max_char_ngram(), 0u);
}

TEST_F(SpecValidationTest, TextOnlyTeacherFallsBackToVotes) {
  spec_.mutable_teachers(0)->set_teacher("text");
  spec_.mutable_teachers(0)->set_top_logprobs(5);
  EXPECT_EQ(Fields(), std::vector<std::string>{});
  EXPECT_EQ(spec_.teachers(0).top_logprobs(), 0u);
  EXPECT_EQ(SamplesPerItem(spec_), 8u);
}

TEST_F(SpecValidationTest, MethodsBringTheirOwnDefaults) {
  teachers_["all"] = {.name = "all",
                      .gives_top_logprobs = true,
                      .trainable = true,
                      .scores_continuations = true,
                      .follows_schema = true};
  const v1::JobSpec sound = spec_;
  struct Wanted {
    v1::ClassifyTask::LabelMethod method;
    uint32_t samples, top_logprobs, max_tokens;
    double temperature;
  };
  for (const Wanted& wanted : {Wanted{v1::ClassifyTask::LABEL_METHOD_FIRST_TOKEN, 1, 20, 1, 0},
                               Wanted{v1::ClassifyTask::LABEL_METHOD_SCORED, 2, 0, 1, 0},
                               Wanted{v1::ClassifyTask::LABEL_METHOD_VOTES, 8, 0, 16, 1},
                               Wanted{v1::ClassifyTask::LABEL_METHOD_VERBALISED, 1, 0, 96, 0},
                               Wanted{v1::ClassifyTask::LABEL_METHOD_SCHEMA, 8, 0, 64, 1}}) {
    spec_ = sound;
    spec_.mutable_teachers(0)->set_teacher("all");
    spec_.mutable_task()->mutable_classify()->set_label_method(wanted.method);
    EXPECT_EQ(Fields(), std::vector<std::string>{});
    EXPECT_EQ(SamplesPerItem(spec_), wanted.samples);
    EXPECT_EQ(FirstSamplesPerItem(spec_), wanted.samples);
    EXPECT_EQ(spec_.teachers(0).top_logprobs(), wanted.top_logprobs);
    EXPECT_EQ(spec_.teachers(0).sampling().max_tokens(), wanted.max_tokens);
    EXPECT_EQ(spec_.teachers(0).sampling().temperature(), wanted.temperature);
  }
  spec_.mutable_teachers(0)->mutable_voting()->set_max_votes(24);
  EXPECT_EQ(Fields(), std::vector<std::string>{});
  EXPECT_EQ(SamplesPerItem(spec_), 24u);
  EXPECT_EQ(FirstSamplesPerItem(spec_), 4u);
}

TEST_F(SpecValidationTest, EachFaultNamesItsField) {
  const std::vector<Case> cases = {
      {"display_name", [](auto* s) { s->set_display_name(std::string(201, 'x')); }},
      {"data.train.id", [](auto* s) { s->mutable_data()->mutable_train()->set_id("no"); }},
      {"data.prompt.user", [](auto* s) { s->mutable_data()->mutable_prompt()->clear_user(); }},
      {"data.prompt.user", [](auto* s) { s->mutable_data()->mutable_prompt()->set_user("{{ x"); }},
      {"data.prompt.user",
       [](auto* s) { s->mutable_data()->mutable_prompt()->set_user("{{ x }}"); }},
      {"data.input_column", [](auto* s) { s->mutable_data()->set_input_column("x"); }},
      {"data.label_column", [](auto* s) { s->mutable_data()->set_label_column("x"); }},
      {"data.id_column", [](auto* s) { s->mutable_data()->set_id_column("x"); }},
      {"data.held_out_share", [](auto* s) { s->mutable_data()->set_held_out_share(0.95); }},
      {"teachers", [](auto* s) { s->clear_teachers(); }},
      {"teachers[0].teacher", [](auto* s) { s->mutable_teachers(0)->set_teacher("x"); }},
      {"teachers[0].top_logprobs", [](auto* s) { s->mutable_teachers(0)->set_top_logprobs(21); }},
      {"teachers[0].votes", [](auto* s) { s->mutable_teachers(0)->set_votes(65); }},
      {"teachers[0].sampling.temperature",
       [](auto* s) { s->mutable_teachers(0)->mutable_sampling()->set_temperature(3); }},
      {"task", [](auto* s) { s->clear_task(); }},
      {"task.classify.labels",
       [](auto* s) { s->mutable_task()->mutable_classify()->mutable_labels()->RemoveLast(); }},
      {"task.classify.labels[1].name",
       [](auto* s) { s->mutable_task()->mutable_classify()->mutable_labels(1)->set_name("yes"); }},
      {"task.classify.labels",
       [](auto* s) {
         s->mutable_task()->mutable_classify()->mutable_labels(1)->add_variants("Yes");
       }},
      {"student.ngram.hash_bits",
       [](auto* s) { s->mutable_student()->mutable_ngram()->set_hash_bits(30); }},
      {"student.encoder.width",
       [](auto* s) {
         s->mutable_student()->mutable_encoder()->set_width(100);
         s->mutable_student()->mutable_encoder()->set_heads(3);
       }},
      {"method.temperature.start",
       [](auto* s) { s->mutable_method()->mutable_temperature()->set_end(1); }},
      {"method.hard_weight.start",
       [](auto* s) { s->mutable_method()->mutable_hard_weight()->set_start(2); }},
      {"method.learning_rate", [](auto* s) { s->mutable_method()->set_learning_rate(-1); }},
      {"noise.prompt.variants",
       [](auto* s) { s->mutable_noise()->mutable_prompt()->set_variants(2); }},
      {"budget.ceiling_micro_usd", [](auto* s) { s->mutable_teachers(0)->set_teacher("paid"); }},
      {"smoke.usable", [](auto* s) { s->mutable_smoke()->set_usable(17); }},
      {"acceptance.metric", [](auto* s) { s->mutable_acceptance()->set_metric("f1"); }},
      {"runtime.max_workers",
       [](auto* s) {
         s->mutable_runtime()->set_min_workers(4);
         s->mutable_runtime()->set_max_workers(2);
       }},
      {"max_rejected_share", [](auto* s) { s->set_max_rejected_share(1.5); }},
  };
  ExpectFields(cases);
}

TEST_F(SpecValidationTest, EachFaultOfALabelMethodNamesItsField) {
  ExpectFields({
      {"task.classify.label_method",
       [](auto* s) {
         s->mutable_teachers(0)->set_teacher("text");
         s->mutable_task()->mutable_classify()->set_label_method(
             v1::ClassifyTask::LABEL_METHOD_FIRST_TOKEN);
       }},
      {"task.classify.label_method",
       [](auto* s) {
         s->mutable_task()->mutable_classify()->set_label_method(
             v1::ClassifyTask::LABEL_METHOD_SCORED);
       }},
      {"task.classify.label_method",
       [](auto* s) {
         s->mutable_task()->mutable_classify()->set_label_method(
             v1::ClassifyTask::LABEL_METHOD_VERBALISED);
       }},
      {"teachers[0].voting", [](auto* s) { s->mutable_teachers(0)->mutable_voting(); }},
      {"teachers[0].voting.max_votes teachers[0].voting.half_width",
       [](auto* s) {
         s->mutable_teachers(0)->set_teacher("text");
         v1::Voting* voting = s->mutable_teachers(0)->mutable_voting();
         voting->set_min_votes(8);
         voting->set_max_votes(4);
         voting->set_half_width(0.6);
       }},
      {"teachers[0].sampling.temperature",
       [](auto* s) {
         s->mutable_teachers(0)->set_teacher("text");
         s->mutable_teachers(0)->mutable_sampling()->set_temperature(0);
       }},
  });
}

TEST_F(SpecValidationTest, ATemplateThatDoublesTextOverAndOverIsRefused) {
  std::string source = "{% set x = 'ab' %}";
  for (int i = 0; i < 60; ++i) source += "{% set x = x ~ x %}";
  spec_.mutable_data()->mutable_prompt()->set_user(source);
  FillDefaults(teachers_, &spec_);
  const absl::Status status = FaultsToStatus(ValidateSpec(spec_, context_));
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_TRUE(absl::StrContains(status.message(), "data.prompt.user"));
  EXPECT_TRUE(absl::StrContains(status.message(), "bytes of text and lists")) << status;
}

google::protobuf::ListValue Texts(const std::vector<std::string>& texts) {
  google::protobuf::ListValue list;
  for (const std::string& text : texts) list.add_values()->set_string_value(text);
  return list;
}

TEST_F(SpecValidationTest, ASoundExpansionHasNoFaults) {
  v1::Expansion* expansion = spec_.mutable_data()->mutable_expansion();
  (*expansion->mutable_grid())["tone"] = Texts({"formal", "casual"});
  (*expansion->mutable_paraphrases())["ask"] = Texts({"{{ text }}?", "{{ tone }}"});
  expansion->mutable_few_shot()->set_count(2);
  expansion->mutable_few_shot()->set_user("{{ text }} {{ tone }}");
  spec_.mutable_teachers(0)->add_temperatures(0.5);
  spec_.mutable_data()->mutable_prompt()->set_user("{{ tone }} {{ ask }} {{ text }}");
  EXPECT_EQ(Fields(), std::vector<std::string>{});
  EXPECT_EQ(spec_.data().expansion().few_shot().assistant(), "{{ label }}");
  EXPECT_EQ(spec_.data().expansion().seed(), 1u);
}

// Fields at fault, sorted, and how a sound spec comes to have those faults.
struct ExpansionCase {
  std::vector<std::string> fields;
  std::function<void(v1::JobSpec*, v1::Expansion*)> spoil;
};

class ExpansionValidationTest : public SpecValidationTest {
 protected:
  void Check(const std::vector<ExpansionCase>& cases) {
    (*spec_.mutable_data()->mutable_expansion()->mutable_grid())["tone"] =
        Texts({"formal", "casual"});
    const v1::JobSpec sound = spec_;
    for (const ExpansionCase& one : cases) {
      spec_ = sound;
      one.spoil(&spec_, spec_.mutable_data()->mutable_expansion());
      std::vector<std::string> fields = Fields();
      std::sort(fields.begin(), fields.end());
      EXPECT_EQ(fields, one.fields);
    }
  }
};

TEST_F(ExpansionValidationTest, FaultsOfVariablesNameTheirField) {
  Check({
      {{"data.expansion.grid[\"tone\"]"},
       [](auto*, auto* e) { (*e->mutable_grid())["tone"].clear_values(); }},
      {{"data.expansion.grid[\"tone\"][1]"},
       [](auto*, auto* e) {
         (*e->mutable_grid())["tone"] = Texts({"a", "a"});
       }},
      {{"data.expansion.grid[\"tone\"][2]"},
       [](auto*, auto* e) { (*e->mutable_grid())["tone"].add_values()->mutable_list_value(); }},
      {{"data.expansion.grid[\"text\"]"},
       [](auto*, auto* e) { (*e->mutable_grid())["text"] = Texts({"x"}); }},
      {{"data.expansion.grid[\"a b\"]"},
       [](auto*, auto* e) { (*e->mutable_grid())["a b"] = Texts({"x"}); }},
      {{"data.expansion.weights[\"tone\"]"},
       [](auto*, auto* e) { (*e->mutable_weights())["tone"].add_values()->set_number_value(1); }},
      {{"data.expansion.weights[\"tone\"][1]"},
       [](auto*, auto* e) {
         for (const double weight : {1.0, 0.0}) {
           (*e->mutable_weights())["tone"].add_values()->set_number_value(weight);
         }
       }},
      {{"data.expansion.weights[\"other\"]"},
       [](auto*, auto* e) { (*e->mutable_weights())["other"].add_values()->set_number_value(1); }},
      {{"data.expansion.paraphrases[\"tone\"]"},
       [](auto*, auto* e) { (*e->mutable_paraphrases())["tone"] = Texts({"x"}); }},
      {{"data.expansion.paraphrases[\"ask\"]"},
       [](auto*, auto* e) { (*e->mutable_paraphrases())["ask"]; }},
      {{"data.expansion.paraphrases[\"ask\"][0]"},
       [](auto*, auto* e) { (*e->mutable_paraphrases())["ask"] = Texts({"{{ nobody }}"}); }},
      {{"data.expansion.paraphrases[\"ask\"][0]"},
       [](auto*, auto* e) { (*e->mutable_paraphrases())["ask"] = Texts({"{% if %}"}); }},
  });
}

TEST_F(ExpansionValidationTest, FaultsOfTemplatesExamplesAndCountsNameTheirField) {
  Check({
      {{"data.expansion"}, [](auto*, auto* e) { e->set_draws(3); }},
      {{"data.expansion.few_shot.count", "data.expansion.few_shot.user"},
       [](auto*, auto* e) { e->mutable_few_shot(); }},
      {{"data.expansion.few_shot.assistant"},
       [](auto*, auto* e) {
         e->mutable_few_shot()->set_count(1);
         e->mutable_few_shot()->set_user("{{ text }}");
         e->mutable_few_shot()->set_assistant("{{ nobody }}");
       }},
      {{"data.expansion.few_shot.pool.id"},
       [](auto*, auto* e) {
         e->mutable_few_shot()->set_count(1);
         e->mutable_few_shot()->set_user("{{ text }}");
         e->mutable_few_shot()->mutable_pool()->set_path("pool.csv");
       }},
      {{"data.prompt"},
       [](auto*, auto* e) { e->add_templates()->mutable_prompt()->set_user("x"); }},
      {{"data.expansion.templates[0].weight"},
       [](auto* s, auto* e) {
         s->mutable_data()->clear_prompt();
         e->add_templates()->mutable_prompt()->set_user("x");
         e->mutable_templates(0)->set_weight(-1);
       }},
      {{"data.expansion.templates[1].prompt.user"},
       [](auto* s, auto* e) {
         s->mutable_data()->clear_prompt();
         for (const char* user : {"x", "{{ nobody }}"}) {
           e->add_templates()->mutable_prompt()->set_user(user);
         }
       }},
      {{"data.prompt.turns[0].content", "data.prompt.turns[0].role"},
       [](auto* s, auto*) {
         v1::PromptTurn* turn = s->mutable_data()->mutable_prompt()->add_turns();
         turn->set_role("tool");
         turn->set_content("{{ nobody }}");
       }},
      {{"teachers[0].temperatures[1]"},
       [](auto* s, auto*) {
         for (const double t : {1.0, 2.5}) s->mutable_teachers(0)->add_temperatures(t);
       }},
      {{"teachers[0].temperatures"},
       [](auto* s, auto*) {
         s->mutable_teachers(0)->set_teacher("text");
         for (const double t : {1.0, 0.0}) s->mutable_teachers(0)->add_temperatures(t);
       }},
  });
}

TEST_F(SpecValidationTest, MoreQueriesThanTheLimitAreRefusedWithNumbers) {
  train_.set_rows(1000);
  context_.max_queries = 3999;
  EXPECT_EQ(Fields(), std::vector<std::string>{});
  (*spec_.mutable_data()->mutable_expansion()->mutable_grid())["a"] = Texts({"1", "2", "3", "4"});
  const auto faults = ValidateSpec(spec_, context_);
  ASSERT_EQ(faults.size(), 1u);
  EXPECT_EQ(faults[0].field, "data.expansion");
  EXPECT_TRUE(absl::StrContains(faults[0].description, "1000 rows × 4 queries a row"));
}

TEST_F(SpecValidationTest, NotANumberIsOutOfEveryRange) {
  spec_.mutable_method()->set_learning_rate(std::numeric_limits<double>::quiet_NaN());
  spec_.set_max_rejected_share(std::numeric_limits<double>::quiet_NaN());
  EXPECT_EQ(absl::StrJoin(Fields(), " "), "method.learning_rate max_rejected_share");
}

TEST_F(SpecValidationTest, MissingDatasetIsAnotherReasonThanABadSpec) {
  context_.train = nullptr;
  FillDefaults(teachers_, &spec_);
  const absl::Status status = FaultsToStatus(ValidateSpec(spec_, context_));
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(GetReason(status)->reason, "INPUT_MISSING");
}

TEST_F(SpecValidationTest, PathWithoutIdSaysThatItMustBeUploaded) {
  spec_.mutable_data()->mutable_train()->clear_id();
  spec_.mutable_data()->mutable_train()->set_path("rows.jsonl");
  FillDefaults(teachers_, &spec_);
  const auto faults = ValidateSpec(spec_, context_);
  ASSERT_FALSE(faults.empty());
  EXPECT_TRUE(absl::StrContains(faults[0].description, "upload rows.jsonl"));
}

}  // namespace
}  // namespace limbeck::gateway
