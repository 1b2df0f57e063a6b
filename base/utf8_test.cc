#include "base/utf8.h"

#include <gtest/gtest.h>

namespace limbeck {
namespace {

TEST(Utf8Test, KnowsWellFormedSequences) {
  for (const char* good : {"", "a", "é", "€", "😀", "\xf4\x8f\xbf\xbf"}) {
    EXPECT_TRUE(IsValidUtf8(good)) << good;
  }
  for (const char* bad : {"\x80", "\xc0\xaf", "\xe0\x80\xaf", "\xed\xa0\x80", "\xf4\x90\x80\x80",
                          "\xf8\x88\x80\x80\x80", "\xe2\x82", "a\xff"}) {
    EXPECT_FALSE(IsValidUtf8(bad));
  }
}

TEST(Utf8Test, ReplacesOnlyWhatIsBroken) {
  EXPECT_EQ(ReplaceInvalidUtf8("a\xff é\xe2\x82"), "a\xef\xbf\xbd é\xef\xbf\xbd\xef\xbf\xbd");
}

TEST(Utf8Test, TruncatesBetweenSequences) {
  EXPECT_EQ(TruncateUtf8("aé€", 2), "a");
  EXPECT_EQ(TruncateUtf8("aé€", 3), "aé");
  EXPECT_EQ(TruncateUtf8("aé€", 5), "aé");
  EXPECT_EQ(TruncateUtf8("aé€", 6), "aé€");
  EXPECT_EQ(TruncateUtf8("\x80\x80", 1), "");
}

}  // namespace
}  // namespace limbeck
