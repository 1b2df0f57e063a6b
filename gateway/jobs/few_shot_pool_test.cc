#include "gateway/jobs/few_shot_pool.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "base/hash.h"
#include "gateway/expansion/fold_text.h"
#include "gateway/jobs/dataset_test_world.h"

namespace limbeck::gateway {
namespace {

using ::testing::HasSubstr;

class FewShotPoolTest : public ::testing::Test {
 protected:
  FewShotPoolTest() {
    data().mutable_train()->set_id(world_.Store(DatasetTestWorld::Lines("train", 40)).id());
    world_.expansion().mutable_few_shot()->set_count(3);
  }
  v1::DataSpec& data() { return *world_.spec().mutable_data(); }
  void Pool(const std::vector<std::string>& lines) {
    world_.expansion().mutable_few_shot()->mutable_pool()->set_id(world_.Store(lines).id());
  }
  FewShotPool Load(const FewShotPoolLimits& limits = {}) {
    auto pool = FewShotPool::Load(world_.datasets(), world_.Filled(), limits);
    EXPECT_TRUE(pool.ok()) << pool.status();
    return *std::move(pool);
  }
  static std::vector<std::string> Columns(const std::vector<const PoolRow*>& rows) {
    std::vector<std::string> columns;
    for (const PoolRow* row : rows) columns.push_back(row->columns);
    return columns;
  }

  DatasetTestWorld world_;
};

TEST_F(FewShotPoolTest, DrawsAreDifferentRepeatableAndNeverTheRowItself) {
  Pool(DatasetTestWorld::Lines("pool", 10));
  const FewShotPool pool = Load();
  ASSERT_EQ(pool.size(), 10u);
  std::set<std::string> drawn_at_all;
  for (uint64_t key = 0; key < 300; ++key) {
    const uint64_t own = TextHash(absl::StrCat("Pool  ", key % 10));
    const auto rows = pool.Draw(key, 9, own);
    ASSERT_EQ(rows.size(), 9u);
    std::set<uint64_t> texts;
    for (const PoolRow* row : rows) texts.insert(row->text_hash);
    EXPECT_EQ(texts.size(), 9u);
    EXPECT_FALSE(texts.contains(own));
    EXPECT_EQ(pool.Draw(key, 9, own), rows);
    for (const auto& columns : Columns(pool.Draw(key, 1, own))) drawn_at_all.insert(columns);
  }
  EXPECT_EQ(drawn_at_all.size(), 10u);
}

TEST_F(FewShotPoolTest, TheTrainingRowsAreThePoolUnlessAnotherIsNamed) {
  const auto walk = RowWalk::Open(world_.datasets(), world_.Filled(), WalkPart::kTrain);
  ASSERT_TRUE(walk.ok());
  std::set<uint64_t> training;
  while (true) {
    const auto row = (*walk)->Next();
    ASSERT_TRUE(row.ok());
    if (!row->has_value()) break;
    training.insert((*row)->text_hash);
  }
  const FewShotPool pool = Load();
  EXPECT_EQ(pool.size(), training.size());
  EXPECT_LT(pool.size(), 40u);
  for (const PoolRow* row : pool.Draw(1, pool.size(), 0)) {
    EXPECT_TRUE(training.contains(row->text_hash)) << row->columns;
  }
}

TEST_F(FewShotPoolTest, NoRowThatEvaluatesIsEverDrawnWhateverTheSeed) {
  // The pool has every text that the job has, in another case.
  Pool(DatasetTestWorld::Lines("TRAIN", 40));
  std::set<uint64_t> evaluating;
  for (const WalkPart part : {WalkPart::kHeldOut, WalkPart::kValidation}) {
    const auto walk = RowWalk::Open(world_.datasets(), world_.Filled(), part).value();
    for (auto row = walk->Next(); row->has_value(); row = walk->Next()) {
      evaluating.insert((*row)->text_hash);
    }
  }
  ASSERT_GT(evaluating.size(), 4u);
  for (uint64_t seed = 1; seed <= 5; ++seed) {
    world_.expansion().mutable_few_shot()->set_seed(seed);
    const FewShotPool pool = Load();
    EXPECT_EQ(pool.size(), 40 - evaluating.size());
    for (uint64_t key = 0; key < 200; ++key) {
      const uint64_t own = TextHash(absl::StrCat("train ", key % 40));
      for (const PoolRow* row : pool.Draw(key, 3, own)) {
        ASSERT_FALSE(evaluating.contains(row->text_hash)) << seed << " " << row->columns;
        ASSERT_NE(row->text_hash, own) << seed << " " << key;
      }
    }
  }
}

TEST_F(FewShotPoolTest, ALargePoolIsSampledTheSameWhateverItsOrder) {
  auto lines = DatasetTestWorld::Lines("pool", 500);
  Pool(lines);
  const FewShotPool pool = Load({.max_rows = 20});
  EXPECT_EQ(pool.size(), 20u);
  std::reverse(lines.begin(), lines.end());
  Pool(lines);
  const FewShotPool reversed = Load({.max_rows = 20});
  EXPECT_EQ(Columns(reversed.Draw(5, 20, 0)), Columns(pool.Draw(5, 20, 0)));

  const FewShotPool small = Load({.max_bytes = 400});
  EXPECT_GT(small.size(), 3u);
  EXPECT_LT(small.size(), 20u);
  std::reverse(lines.begin(), lines.end());
  Pool(lines);
  EXPECT_EQ(Columns(Load({.max_bytes = 400}).Draw(5, 20, 0)), Columns(small.Draw(5, 20, 0)));
}

TEST_F(FewShotPoolTest, TooSmallAPoolSaysHowManyRowsItHas) {
  Pool(DatasetTestWorld::Lines("pool", 3));
  const auto pool = FewShotPool::Load(world_.datasets(), world_.Filled());
  EXPECT_EQ(pool.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(pool.status().message()), HasSubstr("has only 3 rows"));
}

}  // namespace
}  // namespace limbeck::gateway
