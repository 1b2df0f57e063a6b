#include "trainer/text/normalise.h"

#include <gtest/gtest.h>

namespace limbeck::trainer {
namespace {

TEST(NormaliseWordsTest, LowersAndSeparates) {
  const WordText words = NormaliseWords("The RED fox, (3rd) jumped!");
  EXPECT_EQ(words.spaced, " the red fox 3rd jumped ");
  ASSERT_EQ(words.starts.size(), 5u);
  ASSERT_EQ(words.ends.size(), 5u);
  EXPECT_EQ(words.spaced.substr(words.starts[1], words.ends[1] - words.starts[1]), "red");
}

TEST(NormaliseWordsTest, LowersLatinGreekAndCyrillic) {
  EXPECT_EQ(NormaliseWords("ÉCOLE Übung ÞÓR").spaced, " école übung þór ");
  EXPECT_EQ(NormaliseWords("ΑΩ").spaced, " αω ");
  EXPECT_EQ(NormaliseWords("ЖЁ").spaced, " жё ");
  EXPECT_EQ(NormaliseWords("2×3÷4").spaced, " 2 3 4 ");
}

TEST(NormaliseWordsTest, TakesTypographicPunctuationAsSeparators) {
  EXPECT_EQ(NormaliseWords("a—b\u00a0c “d”、e").spaced, " a b c d e ");
}

TEST(NormaliseWordsTest, AcceptsAnyBytes) {
  EXPECT_EQ(NormaliseWords("").spaced, " ");
  EXPECT_EQ(NormaliseWords("a\xff\xc3z\xe2\x82").spaced, " a z ");
  EXPECT_EQ(NormaliseWords(std::string_view("a\0b", 3)).spaced, " a b ");
}

TEST(CodePointSizeTest, TakesBrokenSequencesAsSingleBytes) {
  EXPECT_EQ(CodePointSize("é", 0), 2u);
  EXPECT_EQ(CodePointSize("€", 0), 3u);
  EXPECT_EQ(CodePointSize("\U0001F600", 0), 4u);
  EXPECT_EQ(CodePointSize("\xe2\x82", 0), 1u);
  EXPECT_EQ(CodePointSize("\xc0\x80", 0), 1u);
}

}  // namespace
}  // namespace limbeck::trainer
