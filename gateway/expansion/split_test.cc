#include "gateway/expansion/split.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <string>

#include "absl/strings/str_cat.h"

namespace limbeck::gateway {
namespace {

using ::testing::HasSubstr;

TEST(SplitTest, SharesAreMet) {
  const auto split = Split::Create({.validation = 0.1, .held_out = 0.2});
  ASSERT_TRUE(split.ok());
  std::map<DatasetPart, int> counts;
  constexpr int kRows = 20'000;
  for (int i = 0; i < kRows; ++i) ++counts[split->Of(absl::StrCat("row ", i))];
  const auto near = [&](DatasetPart part, double share) {
    EXPECT_NEAR(counts[part] / static_cast<double>(kRows), share,
                4 * std::sqrt(share * (1 - share) / kRows));
  };
  near(DatasetPart::kHeldOut, 0.2);
  near(DatasetPart::kValidation, 0.1);
  near(DatasetPart::kTrain, 0.7);
}

TEST(SplitTest, TheSameTextNeverCrosses) {
  const auto split = Split::Create({.validation = 0.3, .held_out = 0.3});
  ASSERT_TRUE(split.ok());
  for (int i = 0; i < 500; ++i) {
    const DatasetPart part = split->Of(absl::StrCat("a city in no. ", i));
    EXPECT_EQ(split->Of(absl::StrCat("  A City  in\tNO. ", i, "\n")), part);
  }
}

TEST(SplitTest, GrowingTheValidationShareMovesNoHeldOutRow) {
  const auto before = Split::Create({.validation = 0.0, .held_out = 0.2});
  const auto after = Split::Create({.validation = 0.3, .held_out = 0.2});
  ASSERT_TRUE(before.ok() && after.ok());
  for (int i = 0; i < 2'000; ++i) {
    const std::string text = absl::StrCat(i);
    EXPECT_EQ(before->Of(text) == DatasetPart::kHeldOut, after->Of(text) == DatasetPart::kHeldOut);
  }
}

TEST(SplitTest, SeedsGiveDifferentSplits) {
  const auto a = Split::Create({.held_out = 0.5, .seed = 1});
  const auto b = Split::Create({.held_out = 0.5, .seed = 2});
  int different = 0;
  for (int i = 0; i < 1'000; ++i) different += a->Of(absl::StrCat(i)) != b->Of(absl::StrCat(i));
  EXPECT_NEAR(different, 500, 80);
}

TEST(SplitTest, NothingIsHeldOutAtShareZero) {
  const auto split = Split::Create({.held_out = 0});
  ASSERT_TRUE(split.ok());
  for (int i = 0; i < 1'000; ++i) EXPECT_EQ(split->Of(absl::StrCat(i)), DatasetPart::kTrain);
}

TEST(SplitTest, SharesOutOfRangeAreNamed) {
  const auto message = [](const SplitSpec& spec) {
    return std::string(Split::Create(spec).status().message());
  };
  EXPECT_EQ(message({.held_out = 0.95}), "held_out share is 0.95; expected 0 … 0.9");
  EXPECT_THAT(message({.validation = -1}), HasSubstr("validation share is -1"));
  EXPECT_THAT(message({.validation = std::nan("")}), HasSubstr("validation share"));
  EXPECT_THAT(message({.validation = 0.5, .held_out = 0.6}), HasSubstr("together"));
}

}  // namespace
}  // namespace limbeck::gateway
