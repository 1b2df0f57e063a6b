#include "gateway/jobs/repeat_finder.h"

#include <gtest/gtest.h>

#include <set>
#include <vector>

#include "base/file.h"
#include "base/hash.h"

namespace limbeck::gateway {
namespace {

class RepeatFinderTest : public ::testing::Test {
 protected:
  std::unique_ptr<RepeatFinder> Finder(uint64_t rows) {
    auto finder = RepeatFinder::Create(directory_.path() / "scratch", rows);
    EXPECT_TRUE(finder.ok()) << finder.status();
    return *std::move(finder);
  }
  static std::set<uint64_t> Repeats(RepeatFinder& finder) {
    std::set<uint64_t> repeats;
    EXPECT_TRUE(finder.Find([&](uint64_t row) { EXPECT_TRUE(repeats.insert(row).second); }).ok());
    return repeats;
  }

  ScopedTempDirectory directory_;
};

TEST_F(RepeatFinderTest, TheFirstRowOfATextIsNoRepeat) {
  const auto finder = Finder(4);
  for (const auto& [hash, row] :
       std::vector<std::pair<uint64_t, uint64_t>>{{7, 0}, {8, 1}, {7, 2}, {9, 3}, {7, 4}, {8, 5}}) {
    ASSERT_TRUE(finder->AddRow(hash, row).ok());
  }
  EXPECT_EQ(Repeats(*finder), (std::set<uint64_t>{2, 4, 5}));
}

TEST_F(RepeatFinderTest, EveryRowOfAnExcludedTextIsARepeat) {
  const auto finder = Finder(4);
  ASSERT_TRUE(finder->AddRow(7, 0).ok());
  ASSERT_TRUE(finder->AddRow(8, 1).ok());
  // Twice, and one that no row has.
  for (const uint64_t hash : {7, 7, 9}) ASSERT_TRUE(finder->Exclude(hash).ok());
  EXPECT_EQ(Repeats(*finder), (std::set<uint64_t>{0}));
}

TEST_F(RepeatFinderTest, ManyRowsOverManyBucketsGiveTheSameAsASet) {
  constexpr uint64_t kRows = 300'000;
  // Two buckets, each spilled many times.
  const auto finder = Finder(kRows);
  std::set<uint64_t> seen;
  std::set<uint64_t> expected;
  StableRandom random(3, 1);
  for (uint64_t row = 0; row < kRows; ++row) {
    const uint64_t hash = StableRandom(random.Below(200'000), 2).Next();
    if (!seen.insert(hash).second) expected.insert(row);
    ASSERT_TRUE(finder->AddRow(hash, row).ok());
  }
  EXPECT_EQ(Repeats(*finder), expected);
}

TEST_F(RepeatFinderTest, LeavesNoFileBehindAndNamesAFolderThatIsNotThere) {
  const auto finder = Finder(1);
  EXPECT_TRUE(std::filesystem::is_empty(directory_.path()));
  EXPECT_FALSE(RepeatFinder::Create(directory_.path() / "none" / "scratch", 1).ok());
}

}  // namespace
}  // namespace limbeck::gateway
