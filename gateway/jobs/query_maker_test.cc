#include "gateway/jobs/query_maker.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <set>
#include <string>
#include <vector>

#include "base/hash.h"
#include "gateway/expansion/expansion.h"
#include "gateway/expansion/fold_text.h"
#include "gateway/jobs/dataset_test_world.h"
#include "gateway/noise/prompt_noise.h"
#include "gateway/teachers/canonical.h"

namespace limbeck::gateway {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::UnorderedElementsAre;

class QueryMakerTest : public ::testing::Test {
 protected:
  QueryMakerTest() {
    data().mutable_train()->set_id(world_.Store(DatasetTestWorld::Lines("train", 60)).id());
    JobTeacher& teacher = teachers_["fake"];
    teacher.config.name = "fake";
    teacher.config.kind = "openai";
    teacher.config.base_url = "http://127.0.0.1:1/v1";
    teacher.config.model = "m";
  }

  v1::JobSpec& spec() { return world_.spec(); }
  v1::DataSpec& data() { return *world_.spec().mutable_data(); }
  v1::Expansion& expansion() { return world_.expansion(); }
  static void Fill(google::protobuf::Map<std::string, google::protobuf::ListValue>* lists,
                   const std::string& name, const std::vector<std::string>& values) {
    for (const std::string& value : values) {
      (*lists)[name].add_values()->set_string_value(value);
    }
  }
  void Grid(const std::string& name, const std::vector<std::string>& values) {
    Fill(expansion().mutable_grid(), name, values);
  }
  void AddTemplate(const std::string& user, double weight = 1) {
    v1::WeightedTemplate* one = expansion().add_templates();
    one->mutable_prompt()->set_user(user);
    one->set_weight(weight);
    data().clear_prompt();
  }

  QueryMaker Maker() {
    auto maker = QueryMaker::Create(world_.Filled(), teachers_, world_.datasets());
    EXPECT_TRUE(maker.ok()) << maker.status();
    return *std::move(maker);
  }
  // Row `i` of the training part, as a walk would give it.
  static JobRow RowAt(uint64_t i, DatasetPart part = DatasetPart::kTrain) {
    JobRow row;
    row.part = part;
    row.dataset = "train";
    row.number = i + 1;
    row.row.index = i;
    row.row.id = absl::StrCat("id", i);
    row.input = absl::StrCat("train ", i);
    row.row.columns = absl::StrCat(R"({"text":")", row.input, R"(","label":"good"})");
    row.text_hash = TextHash(row.input);
    return row;
  }
  // Contents of the last message of each variant.
  static std::vector<std::string> Questions(const QueryMaker& maker, const JobRow& row) {
    std::vector<std::string> questions;
    for (uint32_t variant = 0; variant < maker.VariantsOf(row); ++variant) {
      const auto query = maker.QueryOf(row, variant);
      EXPECT_TRUE(query.ok()) << query.status();
      questions.push_back(query->messages.back().content);
    }
    return questions;
  }

  DatasetTestWorld world_;
  JobTeachers teachers_;
};

TEST_F(QueryMakerTest, JobsWithoutAnExpansionKeepTheirKeys) {
  v1::PromptTemplate* prompt = data().mutable_prompt();
  prompt->set_system("Answer in one word.");
  v1::WorkedExample* example = prompt->add_examples();
  example->set_user("Text: x");
  example->set_assistant("good");
  prompt->set_user("Text: {{ text }}");
  v1::PromptNoise* noise = spec().mutable_noise()->mutable_prompt();
  noise->set_variants(1);
  noise->set_char_swap(0.5);
  const QueryMaker maker = Maker();
  const JobRow row = RowAt(7);
  ASSERT_EQ(maker.VariantsOf(row), 2u);
  std::string keys;
  for (uint32_t variant = 0; variant < 2; ++variant) {
    const PromptNoiseKey key = {.row_hash = RowHash("id7"), .variant = variant};
    const std::string input =
        variant == 0 ? "train 7" : PerturbText("train 7", {.char_swap = 0.5, .seed = 1}, key);
    TeacherQuery expected;
    expected.messages = {{Role::kSystem, "Answer in one word."},
                         {Role::kUser, "Text: x"},
                         {Role::kAssistant, "good"},
                         {Role::kUser, "Text: " + input}};
    expected.sampling.temperature = 0;
    expected.sampling.max_tokens = 1;
    expected.top_logprobs = 20;
    const auto query = maker.QueryOf(row, variant);
    ASSERT_TRUE(query.ok()) << query.status();
    EXPECT_EQ(maker.InputOf(row, variant), input);
    const std::string canonical = CanonicalRequest(maker.teacher().config, *query);
    EXPECT_EQ(canonical, CanonicalRequest(maker.teacher().config, expected));
    keys += canonical;
  }
  // A change of this makes every answer that anybody bought unfindable.
  EXPECT_EQ(Sha256Hex(keys).substr(0, 16), "3f35bf6521fee4d6");
}

TEST_F(QueryMakerTest, TheGridIsAskedInEveryCombination) {
  Grid("tone", {"formal", "casual"});
  Grid("language", {"en", "de"});
  data().mutable_prompt()->set_user("{{ language }} {{ tone }}: {{ text }}");
  const QueryMaker maker = Maker();
  EXPECT_THAT(Questions(maker, RowAt(3)), ElementsAre("en formal: train 3", "en casual: train 3",
                                                      "de formal: train 3", "de casual: train 3"));
}

TEST_F(QueryMakerTest, NumbersOfTheGridReadAsInYamlAndBooleansAsInJinja) {
  auto* values = &(*expansion().mutable_grid())["n"];
  for (const double number : {3.0, 0.5}) values->add_values()->set_number_value(number);
  values->add_values()->set_bool_value(true);
  data().mutable_prompt()->set_user("{{ n }}{% if n == 3 %}!{% endif %}");
  EXPECT_THAT(Questions(Maker(), RowAt(0)), ElementsAre("3!", "0.5", "True"));
}

TEST_F(QueryMakerTest, HeldOutRowsAreAskedInTheirFirstVariantOnly) {
  Grid("tone", {"formal", "casual"});
  data().mutable_prompt()->set_user("{{ tone }}");
  const QueryMaker maker = Maker();
  for (const DatasetPart part : {DatasetPart::kHeldOut, DatasetPart::kValidation}) {
    EXPECT_THAT(Questions(maker, RowAt(3, part)), ElementsAre("formal"));
  }
}

TEST_F(QueryMakerTest, EveryTemplateIsAVariantOrEachRowDrawsOne) {
  AddTemplate("A", 3);
  AddTemplate("B", 1);
  EXPECT_THAT(Questions(Maker(), RowAt(0)), ElementsAre("A", "B"));
  expansion().set_template_choice(v1::Expansion::TEMPLATE_CHOICE_ONE);
  const QueryMaker one = Maker();
  std::map<std::string, int> counts;
  for (uint64_t i = 0; i < 2000; ++i) {
    const auto questions = Questions(one, RowAt(i));
    ASSERT_EQ(questions.size(), 1u);
    EXPECT_EQ(Questions(one, RowAt(i)), questions);
    ++counts[questions[0]];
  }
  EXPECT_NEAR(counts["A"], 1500, 100);
}

TEST_F(QueryMakerTest, DrawnCombinationsAreDifferentAndFollowWeights) {
  Grid("tone", {"formal", "casual", "blunt"});
  for (const double weight : {8.0, 1.0, 1.0}) {
    (*expansion().mutable_weights())["tone"].add_values()->set_number_value(weight);
  }
  expansion().set_draws(2);
  data().mutable_prompt()->set_user("{{ tone }}");
  const QueryMaker maker = Maker();
  int formal = 0;
  for (uint64_t i = 0; i < 500; ++i) {
    const auto questions = Questions(maker, RowAt(i));
    EXPECT_EQ(std::set<std::string>(questions.begin(), questions.end()).size(), 2u);
    formal += questions[0] == "formal";
  }
  EXPECT_NEAR(formal, 400, 40);
}

TEST_F(QueryMakerTest, ParaphrasesSeeColumnsAndGrid) {
  Grid("tone", {"formal", "casual"});
  Fill(expansion().mutable_paraphrases(), "ask", {"What is {{ text }}?", "{{ tone }} {{ text }}!"});
  data().mutable_prompt()->set_user("{{ ask }}");
  const QueryMaker maker = Maker();
  std::set<std::string> seen;
  for (uint64_t i = 0; i < 20; ++i) {
    for (std::string question : Questions(maker, RowAt(i))) {
      seen.insert(question.replace(question.find("train "), 7 + (i > 9), "X"));
    }
  }
  EXPECT_THAT(seen, UnorderedElementsAre("What is X?", "formal X!", "casual X!"));
}

TEST_F(QueryMakerTest, TemperaturesAreVariants) {
  spec().mutable_teachers(0)->add_temperatures(0.25);
  spec().mutable_teachers(0)->add_temperatures(1.5);
  const QueryMaker maker = Maker();
  const JobRow row = RowAt(0);
  ASSERT_EQ(maker.VariantsOf(row), 2u);
  EXPECT_EQ(maker.QueryOf(row, 0)->sampling.temperature, 0.25);
  EXPECT_EQ(maker.QueryOf(row, 1)->sampling.temperature, 1.5);
}

TEST_F(QueryMakerTest, ExamplesAreDrawnFromThePoolAndNeverTheRowItself) {
  v1::FewShot* few_shot = expansion().mutable_few_shot();
  few_shot->set_count(2);
  few_shot->set_user("Q {{ text }}");
  data().mutable_prompt()->set_system("s");
  const QueryMaker maker = Maker();
  std::set<std::string> shots;
  for (uint64_t i = 0; i < 60; ++i) {
    const auto query = maker.QueryOf(RowAt(i), 0);
    ASSERT_TRUE(query.ok()) << query.status();
    ASSERT_EQ(query->messages.size(), 6u);
    EXPECT_EQ(query->messages[2].role, Role::kAssistant);
    EXPECT_THAT(query->messages[2].content, ::testing::AnyOf("good", "bad"));
    EXPECT_EQ(query->messages[5].content, absl::StrCat("train ", i));
    for (const size_t at : {1, 3}) {
      EXPECT_NE(query->messages[at].content, absl::StrCat("Q train ", i));
      shots.insert(query->messages[at].content);
    }
    EXPECT_NE(query->messages[1].content, query->messages[3].content);
  }
  EXPECT_GT(shots.size(), 20u);
  // No held-out row stands among them.
  auto walk = RowWalk::Open(world_.datasets(), world_.Filled(), WalkPart::kHeldOut);
  ASSERT_TRUE(walk.ok());
  while (true) {
    const auto row = (*walk)->Next();
    ASSERT_TRUE(row.ok());
    if (!row->has_value()) break;
    EXPECT_FALSE(shots.contains("Q " + (*row)->input));
  }
}

// Everything that can vary at once, asked forwards and then in random order.
TEST_F(QueryMakerTest, QueriesAreTheSameInAnyOrderOfEvaluation) {
  AddTemplate("{{ ask }} {{ text }}", 2);
  AddTemplate("{{ text }} ({{ tone }}) {{ ask }}", 1);
  Grid("tone", {"formal", "casual", "blunt"});
  Fill(expansion().mutable_paraphrases(), "ask", {"What?", "Which?", "{{ tone }}!"});
  expansion().set_draws(4);
  expansion().mutable_few_shot()->set_count(2);
  expansion().mutable_few_shot()->set_user("Q {{ text }}");
  spec().mutable_teachers(0)->add_temperatures(0.25);
  spec().mutable_teachers(0)->add_temperatures(1.5);
  v1::PromptNoise* noise = spec().mutable_noise()->mutable_prompt();
  noise->set_variants(2);
  noise->set_char_swap(0.3);
  const QueryMaker maker = Maker();
  const uint64_t rows = 20;
  const auto expansion = Expansion::Create(maker.ExpansionOf(rows)).value();
  const auto canonical = [](const QueryMaker& from, const ExpansionItem& item) {
    auto query = from.QueryOf(RowAt(item.row), item.variant);
    EXPECT_TRUE(query.ok()) << query.status();
    from.SetSample(item.sample, &*query);
    return CanonicalRequest(from.teacher().config, *query);
  };
  std::vector<std::string> forwards;
  for (uint64_t index = 0; index < expansion.size(); ++index) {
    forwards.push_back(canonical(maker, expansion.At(index)));
  }
  EXPECT_EQ(expansion.per_row(), maker.VariantsOf(RowAt(0)) * maker.samples());
  // As a restarted gateway would: another maker, any index.
  const QueryMaker again = Maker();
  StableRandom random(7, 0);
  for (int i = 0; i < 500; ++i) {
    const uint64_t index = random.Below(expansion.size());
    ASSERT_EQ(canonical(again, expansion.At(index)), forwards[index]) << index;
  }
}

TEST_F(QueryMakerTest, NoiseMultipliesWithCombinations) {
  Grid("tone", {"formal", "casual"});
  data().mutable_prompt()->set_user("{{ tone }} {{ text }}");
  v1::PromptNoise* noise = spec().mutable_noise()->mutable_prompt();
  noise->set_variants(2);
  noise->set_char_swap(0.5);
  const QueryMaker maker = Maker();
  JobRow row = RowAt(1);
  row.input = "a text that is long enough for some of its letters to change places";
  row.row.columns = absl::StrCat(R"({"text":")", row.input, R"("})");
  ASSERT_EQ(maker.VariantsOf(row), 6u);
  std::set<std::string> noisy;
  for (uint32_t variant = 0; variant < 6; ++variant) {
    const VariantParts parts = SplitVariant(variant, 2);
    const std::string tone = parts.position == 0 ? "formal " : "casual ";
    const std::string input = maker.InputOf(row, variant);
    EXPECT_EQ(maker.QueryOf(row, variant)->messages.back().content, tone + input);
    EXPECT_EQ(input == row.input, parts.noise == 0) << input;
    if (parts.noise > 0) noisy.insert(input);
  }
  EXPECT_GT(noisy.size(), 2u);
}

TEST_F(QueryMakerTest, FaultsOfARowNameRowAndPart) {
  data().mutable_prompt()->set_user("{{ text }} {{ hint }}");
  const auto missing = Maker().QueryOf(RowAt(4), 0);
  EXPECT_EQ(missing.status().message(), "row 5 has no column 'hint' used by template part user");
  Fill(expansion().mutable_paraphrases(), "ask", {"{{ other }}"});
  const auto paraphrase = Maker().QueryOf(RowAt(4), 0);
  EXPECT_THAT(std::string(paraphrase.status().message()),
              AllOf(HasSubstr("row 5, paraphrase 1 of ask"), HasSubstr("other")));
}

TEST_F(QueryMakerTest, HeldVotesMayNameTheLabelsAndTheirVariantsOnly) {
  v1::ClassifyTask* task = spec().mutable_task()->mutable_classify();
  task->clear_labels();
  v1::Label* good = task->add_labels();
  good->set_name("good");
  good->add_variants("fine");
  task->add_labels()->set_name("bad");
  task->set_label_method(v1::ClassifyTask::LABEL_METHOD_VOTES);
  const auto free = Maker().QueryOf(RowAt(0), 0);
  ASSERT_TRUE(free.ok()) << free.status();
  EXPECT_TRUE(free->choices.empty());
  task->set_hold_votes_to_labels(true);
  const auto held = Maker().QueryOf(RowAt(0), 0);
  ASSERT_TRUE(held.ok()) << held.status();
  EXPECT_THAT(held->choices, ElementsAre("good", "fine", "bad"));
}

TEST_F(QueryMakerTest, AnUnknownTeacherIsNamed) {
  spec().mutable_teachers(0)->set_teacher("gone");
  const auto maker = QueryMaker::Create(world_.Filled(), teachers_, world_.datasets());
  EXPECT_EQ(maker.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(maker.status().message()), HasSubstr("\"gone\""));
}

}  // namespace
}  // namespace limbeck::gateway
