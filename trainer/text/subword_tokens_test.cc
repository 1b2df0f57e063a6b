#include "trainer/text/subword_tokens.h"

#include <gtest/gtest.h>

namespace limbeck::trainer {
namespace {

TEST(TokeniseHashedTest, GivesOneTokenAShortWord) {
  const TokenisedText text = TokeniseHashed("The red Fox", 15, 64);
  ASSERT_EQ(text.tokens.size(), 4u);
  EXPECT_EQ(text.tokens[0], kStartToken);
  EXPECT_FALSE(text.cut);
  EXPECT_EQ(text.tokens, TokeniseHashed("the RED, fox.", 15, 64).tokens);
}

TEST(TokeniseHashedTest, CutsLongWordsIntoPieces) {
  // constan|tinop|le shares its first piece with constan… words, and pieces differ from words.
  const auto city = TokeniseHashed("constantinople", 20, 64).tokens;
  const auto verb = TokeniseHashed("constantine", 20, 64).tokens;
  ASSERT_EQ(city.size(), 4u);
  EXPECT_EQ(city[1], verb[1]);
  EXPECT_NE(city[2], TokeniseHashed("antin", 20, 64).tokens[1]);
}

TEST(TokeniseHashedTest, SaysWhenItCuts) {
  const TokenisedText text = TokeniseHashed("a b c d e f g h i j", 15, 8);
  EXPECT_EQ(text.tokens.size(), 8u);
  EXPECT_TRUE(text.cut);
  EXPECT_FALSE(TokeniseHashed("a b c d e f g", 15, 8).cut);
}

TEST(TokeniseHashedTest, StaysInTheVocabulary) {
  for (const uint32_t token : TokeniseHashed("a b c d e f g h i j k l m", 10, 64).tokens) {
    EXPECT_GE(token, kStartToken);
    EXPECT_LT(token, 1024u);
  }
  EXPECT_EQ(TokeniseHashed("", 15, 64).tokens.size(), 1u);
}

}  // namespace
}  // namespace limbeck::trainer
