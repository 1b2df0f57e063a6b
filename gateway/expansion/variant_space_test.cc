#include "gateway/expansion/variant_space.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <set>
#include <string>

namespace limbeck::gateway {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(VariantSpaceTest, EnumeratesTheGridWithTheLastAxisFastest) {
  const auto space = VariantSpace::Create({.axes = {{"tone", {1, 1}}, {"language", {1, 1, 1}}}});
  ASSERT_TRUE(space.ok()) << space.status();
  EXPECT_EQ(space->cells(), 6u);
  EXPECT_EQ(space->per_row(), 6u);
  EXPECT_THAT(space->ChoicesOf(0), ElementsAre(0, 0));
  EXPECT_THAT(space->ChoicesOf(1), ElementsAre(0, 1));
  EXPECT_THAT(space->ChoicesOf(3), ElementsAre(1, 0));
  for (uint32_t cell = 0; cell < space->cells(); ++cell) {
    EXPECT_EQ(space->CellFrom(space->ChoicesOf(cell)), cell);
    EXPECT_EQ(space->CellOf(12345, cell), cell);
  }
}

TEST(VariantSpaceTest, WithoutAxesThereIsOneCombination) {
  const auto space = VariantSpace::Create({});
  ASSERT_TRUE(space.ok());
  EXPECT_EQ(space->per_row(), 1u);
  EXPECT_EQ(space->CellOf(7, 0), 0u);
  EXPECT_THAT(space->ChoicesOf(0), ElementsAre());
}

TEST(VariantSpaceTest, DrawsAreDifferentAndTheSameEveryTime) {
  const auto space =
      VariantSpace::Create({.axes = {{"a", {1, 2, 3}}, {"b", {5, 1}}}, .draws = 4, .seed = 9});
  ASSERT_TRUE(space.ok());
  for (uint64_t row = 0; row < 500; ++row) {
    std::set<uint32_t> cells;
    for (uint32_t position = 0; position < 4; ++position) {
      const uint32_t cell = space->CellOf(row, position);
      ASSERT_LT(cell, 6u);
      cells.insert(cell);
      EXPECT_EQ(space->CellOf(row, position), cell);
    }
    EXPECT_EQ(cells.size(), 4u);
  }
}

TEST(VariantSpaceTest, FirstDrawsFollowTheWeights) {
  const auto space = VariantSpace::Create({.axes = {{"a", {1, 3}}, {"b", {1, 1}}}, .draws = 1});
  ASSERT_TRUE(space.ok());
  std::map<uint32_t, int> counts;
  constexpr int kRows = 20'000;
  for (uint64_t row = 0; row < kRows; ++row) ++counts[space->CellOf(row, 0)];
  for (const auto& [cell, share] : std::map<uint32_t, double>{{0, .125}, {1, .125}, {2, .375}}) {
    EXPECT_NEAR(counts[cell] / static_cast<double>(kRows), share,
                4 * std::sqrt(share * (1 - share) / kRows));
  }
}

TEST(VariantSpaceTest, SeedsGiveOtherDraws) {
  const VariantAxis axis{"a", std::vector<double>(100, 1.0)};
  const auto one = VariantSpace::Create({.axes = {axis}, .draws = 1, .seed = 1});
  const auto two = VariantSpace::Create({.axes = {axis}, .draws = 1, .seed = 2});
  int equal = 0;
  for (uint64_t row = 0; row < 1000; ++row) equal += one->CellOf(row, 0) == two->CellOf(row, 0);
  EXPECT_LT(equal, 40);
}

TEST(VariantSpaceTest, FaultsAreNamed) {
  const auto message = [](const VariantSpaceSpec& spec) {
    return std::string(VariantSpace::Create(spec).status().message());
  };
  EXPECT_EQ(message({.axes = {{"tone", {}}}}), "tone has no values");
  EXPECT_THAT(message({.axes = {{"tone", {1, 0}}}}), HasSubstr("tone has the weight 0"));
  EXPECT_THAT(message({.axes = {{"tone", {std::nan("")}}}}), HasSubstr("tone has the weight"));
  const VariantAxis wide{"wide", std::vector<double>(40, 1.0)};
  EXPECT_THAT(message({.axes = {wide, wide}}), HasSubstr("more than 1024 combinations"));
  EXPECT_THAT(message({.axes = {{"tone", {1, 1}}}, .draws = 3}), HasSubstr("draws are 3 of 2"));
  EXPECT_THAT(message({.axes = {wide}, .draws = 0}), "");
}

}  // namespace
}  // namespace limbeck::gateway
