#include "gateway/expansion/fold_text.h"

#include <gtest/gtest.h>

namespace limbeck::gateway {
namespace {

TEST(FoldTextTest, FoldsCaseAndWhitespace) {
  EXPECT_EQ(FoldText("  A\tb \n C "), "a b c");
  EXPECT_EQ(FoldText(" \n"), "");
  EXPECT_EQ(FoldText("É"), "É");
}

TEST(FoldTextTest, TextsThatCountAsEqualHaveOneHash) {
  EXPECT_EQ(TextHash("A  cat"), TextHash(" a CAT\n"));
  EXPECT_NE(TextHash("a cat"), TextHash("acat"));
}

}  // namespace
}  // namespace limbeck::gateway
