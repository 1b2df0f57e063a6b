#include "gateway/jobs/row_walk.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <set>
#include <string>
#include <vector>

#include "gateway/jobs/dataset_test_world.h"

namespace limbeck::gateway {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class RowWalkTest : public ::testing::Test {
 protected:
  void Train(const std::vector<std::string>& lines) {
    world_.spec().mutable_data()->mutable_train()->set_id(world_.Store(lines).id());
  }
  void HeldOut(const std::vector<std::string>& lines) {
    world_.spec().mutable_data()->mutable_held_out()->set_id(world_.Store(lines).id());
  }
  void Pool(const std::vector<std::string>& lines) {
    world_.expansion().mutable_few_shot()->mutable_pool()->set_id(world_.Store(lines).id());
  }

  // Rows that the walk gives; "! message" for those at fault.
  std::vector<JobRow> Walk(WalkPart part, std::vector<std::string>* faults = nullptr) {
    auto walk = RowWalk::Open(world_.datasets(), world_.Filled(), part);
    EXPECT_TRUE(walk.ok()) << walk.status();
    std::vector<JobRow> rows;
    while (true) {
      auto row = (*walk)->Next();
      if (!row.ok()) {
        EXPECT_NE(faults, nullptr) << row.status();
        if (faults == nullptr) return rows;
        faults->emplace_back(row.status().message());
        continue;
      }
      if (!row->has_value()) return rows;
      rows.push_back(**row);
    }
  }

  static std::vector<std::string> Inputs(const std::vector<JobRow>& rows) {
    std::vector<std::string> inputs;
    for (const JobRow& row : rows) inputs.push_back(row.input);
    return inputs;
  }

  DatasetTestWorld world_;
};

TEST_F(RowWalkTest, PartsAreDisjointAndTogetherAreEveryRow) {
  Train(DatasetTestWorld::Lines("row", 200));
  std::set<std::string> seen;
  size_t rows = 0;
  for (const WalkPart part : {WalkPart::kTrain, WalkPart::kValidation, WalkPart::kHeldOut}) {
    const auto inputs = Inputs(Walk(part));
    EXPECT_FALSE(inputs.empty());
    rows += inputs.size();
    seen.insert(inputs.begin(), inputs.end());
  }
  EXPECT_EQ(rows, 200u);
  EXPECT_EQ(seen.size(), 200u);
  EXPECT_EQ(Walk(WalkPart::kAll).size(), 200u);
}

TEST_F(RowWalkTest, HeldOutRowsComeFirst) {
  Train(DatasetTestWorld::Lines("row", 50));
  bool others = false;
  for (const JobRow& row : Walk(WalkPart::kAll)) {
    EXPECT_FALSE(others && row.part == DatasetPart::kHeldOut) << row.input;
    others = others || row.part != DatasetPart::kHeldOut;
  }
}

TEST_F(RowWalkTest, RowsKeepTheirNumberInTheFile) {
  Train(DatasetTestWorld::Lines("row", 20));
  for (const JobRow& row : Walk(WalkPart::kTrainFile)) {
    EXPECT_EQ(row.input, absl::StrCat("row ", row.number - 1));
    EXPECT_EQ(row.dataset, "train");
  }
}

TEST_F(RowWalkTest, TextsThatDifferInCaseAndSpacesOnlyAreGivenOnce) {
  Train({R"({"text": "A  cat", "label": "good"})", R"({"text": " a CAT ", "label": "bad"})",
         R"({"text": "a dog", "label": "good"})"});
  HeldOut(DatasetTestWorld::Lines("held", 3));
  world_.spec().mutable_method()->set_validation_share(0);
  EXPECT_THAT(Inputs(Walk(WalkPart::kTrain)), ElementsAre("A  cat", "a dog"));
}

TEST_F(RowWalkTest, ATextOfTheHeldOutFileIsNeverTrainedOn) {
  Train({R"({"text": "held 1", "label": "good"})", R"({"text": "HELD  2", "label": "good"})",
         R"({"text": "mine", "label": "good"})"});
  HeldOut(DatasetTestWorld::Lines("held", 3));
  world_.spec().mutable_method()->set_validation_share(0);
  EXPECT_THAT(Inputs(Walk(WalkPart::kTrain)), ElementsAre("mine"));
  EXPECT_THAT(Inputs(Walk(WalkPart::kHeldOut)), ElementsAre("held 0", "held 1", "held 2"));
}

TEST_F(RowWalkTest, ARowThatCannotBeUsedIsNamedAndTheWalkGoesOn) {
  Train({R"({"text": "a", "label": "good"})", R"({"text": null})", R"({"other": 1})",
         R"({"text": "b", "label": "good"})"});
  HeldOut(DatasetTestWorld::Lines("held", 1));
  world_.spec().mutable_method()->set_validation_share(0);
  std::vector<std::string> faults;
  EXPECT_THAT(Inputs(Walk(WalkPart::kTrain, &faults)), ElementsAre("a", "b"));
  EXPECT_THAT(faults, ElementsAre(HasSubstr("train row 2: column 'text' is null"),
                                  HasSubstr("train row 3: no column 'text'")));
}

TEST_F(RowWalkTest, ThePoolHasNoTextThatEvaluates) {
  Pool(DatasetTestWorld::Lines("row", 100));
  Train(DatasetTestWorld::Lines("ROW", 100));
  const auto pool = Walk(WalkPart::kPool);
  std::set<uint64_t> texts;
  for (const WalkPart part : {WalkPart::kHeldOut, WalkPart::kValidation}) {
    const auto rows = Walk(part);
    ASSERT_FALSE(rows.empty());
    for (const JobRow& row : rows) texts.insert(row.text_hash);
  }
  EXPECT_EQ(pool.size(), 100 - texts.size());
  for (const JobRow& row : pool) EXPECT_FALSE(texts.contains(row.text_hash)) << row.input;

  world_.spec().mutable_method()->set_validation_share(0);
  HeldOut(DatasetTestWorld::Lines("row  ", 99));
  EXPECT_THAT(Inputs(Walk(WalkPart::kPool)), ElementsAre("row 99"));
}

TEST_F(RowWalkTest, AWalkFromAnyPlaceGivesTheRestOfTheRows) {
  std::vector<std::string> lines = DatasetTestWorld::Lines("row", 40);
  // Repeats, which have no place of their own.
  lines.insert(lines.begin() + 7, lines[3]);
  lines.push_back(lines[20]);
  Train(lines);
  for (const bool own_file : {false, true}) {
    if (own_file) HeldOut(DatasetTestWorld::Lines("held", 5));
    const std::vector<JobRow> rows = Walk(WalkPart::kAll);
    auto walk = RowWalk::Open(world_.datasets(), world_.Filled(), WalkPart::kAll);
    ASSERT_EQ((*walk)->places(), own_file ? 47u : 84u);
    for (uint64_t place = 0; place <= (*walk)->places(); ++place) {
      ASSERT_TRUE((*walk)->Seek(place).ok());
      std::vector<std::string> expected;
      for (const JobRow& row : rows) {
        if (row.place >= place) expected.push_back(row.row.id);
      }
      std::vector<std::string> given;
      for (auto row = (*walk)->Next(); row->has_value(); row = (*walk)->Next()) {
        given.push_back((*row)->row.id);
      }
      ASSERT_EQ(given, expected) << place;
    }
  }
}

TEST_F(RowWalkTest, GoldIsEmptyWhereTheRowHasNone) {
  Train({R"({"text": "a", "label": "good"})", R"({"text": "b"})"});
  HeldOut(DatasetTestWorld::Lines("held", 1));
  world_.spec().mutable_method()->set_validation_share(0);
  const auto rows = Walk(WalkPart::kTrain);
  ASSERT_EQ(rows.size(), 2u);
  const auto walk = RowWalk::Open(world_.datasets(), world_.Filled(), WalkPart::kTrain);
  EXPECT_EQ((*walk)->GoldOf(rows[0]), "good");
  EXPECT_THAT((*walk)->GoldOf(rows[1]), IsEmpty());
}

}  // namespace
}  // namespace limbeck::gateway
