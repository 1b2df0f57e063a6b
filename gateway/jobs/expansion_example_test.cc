// Keeps examples/expansion and what docs/job-spec.md says about it true.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <set>
#include <string>

#include "base/config/yaml.h"
#include "base/file.h"
#include "gateway/jobs/dataset_test_world.h"
#include "gateway/jobs/query_maker.h"
#include "gateway/jobs/row_walk.h"
#include "gateway/jobs/spec_validation.h"

namespace limbeck::gateway {
namespace {

class ExpansionExampleTest : public ::testing::Test {
 protected:
  void SetUp() override {
    const char* root = std::getenv("LIMBECK_SOURCE_DIR");
    ASSERT_NE(root, nullptr) << "run through ctest";
    directory_ = std::filesystem::path(root) / "examples/expansion";
    ASSERT_TRUE(config::ReadYamlFile((directory_ / "job.yaml").string(), &spec_).ok());
    v1::DataSpec* data = spec_.mutable_data();
    train_ = Upload(data->mutable_train(), v1::DATASET_FORMAT_TSV);
    held_out_ = Upload(data->mutable_held_out(), v1::DATASET_FORMAT_TSV);
    pool_ = Upload(data->mutable_expansion()->mutable_few_shot()->mutable_pool(),
                   v1::DATASET_FORMAT_JSONL);
    catalog_["definitions-teacher"] = {
        .name = "definitions-teacher", .gives_top_logprobs = true, .trainable = true};
    teachers_["definitions-teacher"].config.name = "definitions-teacher";
    FillDefaults(catalog_, &spec_);
  }

  v1::Dataset Upload(v1::DatasetRef* ref, v1::DatasetFormat format) {
    const auto bytes = ReadFile(directory_ / ref->path());
    EXPECT_TRUE(bytes.ok()) << bytes.status();
    const v1::Dataset dataset = world_.StoreFile(*bytes, format);
    ref->set_id(dataset.id());
    return dataset;
  }

  std::filesystem::path directory_;
  DatasetTestWorld world_;
  v1::JobSpec spec_;
  v1::Dataset train_, held_out_, pool_;
  TeacherCatalog catalog_;
  JobTeachers teachers_;
};

TEST_F(ExpansionExampleTest, ItsJobIsValid) {
  SpecContext context;
  context.teachers = &catalog_;
  context.train = &train_;
  context.held_out = &held_out_;
  context.pool = &pool_;
  for (const Fault& fault : ValidateSpec(spec_, context)) {
    ADD_FAILURE() << fault.field << " " << fault.description;
  }
}

TEST_F(ExpansionExampleTest, TrainingRowsAreAskedInThreeVariantsAndHeldOutRowsInOne) {
  const auto maker = QueryMaker::Create(spec_, teachers_, world_.datasets());
  ASSERT_TRUE(maker.ok()) << maker.status();
  auto walk = RowWalk::Open(world_.datasets(), spec_, WalkPart::kAll);
  ASSERT_TRUE(walk.ok());
  uint64_t queries = 0;
  uint64_t expected = 0;
  std::set<double> temperatures;
  std::set<std::string> systems;
  while (true) {
    const auto row = (*walk)->Next();
    ASSERT_TRUE(row.ok()) << row.status();
    if (!row->has_value()) break;
    expected += (*row)->part == DatasetPart::kTrain ? 3 : 1;
    for (uint32_t variant = 0; variant < maker->VariantsOf(**row); ++variant, ++queries) {
      const auto query = maker->QueryOf(**row, variant);
      ASSERT_TRUE(query.ok()) << query.status();
      temperatures.insert(query->sampling.temperature);
      systems.insert(query->messages.front().content);
      EXPECT_GE(query->messages.size(), 6u);
      EXPECT_NE(query->messages.back().content.find((*row)->input), std::string::npos);
    }
  }
  EXPECT_EQ(queries, expected);
  EXPECT_EQ(temperatures, (std::set<double>{0, 0.7}));
  EXPECT_EQ(systems.size(), 4u);  // Two languages in one template, two tones in the other.
}

TEST_F(ExpansionExampleTest, TheGuideExplainsEveryFieldOfTheExpansion) {
  const auto guide = ReadFile(directory_.parent_path().parent_path() / "docs/job-spec.md");
  ASSERT_TRUE(guide.ok());
  for (const auto* type : {v1::Expansion::descriptor(), v1::FewShot::descriptor(),
                           v1::WeightedTemplate::descriptor(), v1::PromptTurn::descriptor()}) {
    for (int i = 0; i < type->field_count(); ++i) {
      EXPECT_NE(guide->find("`" + std::string(type->field(i)->name()) + "`"), std::string::npos)
          << type->field(i)->full_name();
    }
  }
}

}  // namespace
}  // namespace limbeck::gateway
