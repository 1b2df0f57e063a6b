#include "gateway/teachers/openai/continuation.h"

#include <gtest/gtest.h>

#include <string>

namespace limbeck::gateway {
namespace {

constexpr const char* kLossy = "\xef\xbf\xbd";

std::vector<ListedToken> Tokens(const std::vector<std::string>& texts, bool offsets = false) {
  std::vector<ListedToken> tokens;
  uint64_t at = 0;
  float logprob = -0.5F;
  for (const std::string& text : texts) {
    ListedToken listed;
    listed.token.bytes = text;
    listed.token.lossy = text.find(kLossy) != std::string::npos;
    listed.token.logprob = logprob--;
    if (offsets) listed.offset = at;
    at += CountCharacters(text);
    tokens.push_back(listed);
  }
  return tokens;
}

std::vector<std::string> BytesOf(const Continuation& taken) {
  std::vector<std::string> bytes;
  for (const cache::Token& token : taken.tokens) {
    bytes.push_back(token.bytes + (token.lossy ? "*" : ""));
  }
  return bytes;
}

using Texts = std::vector<std::string>;

TEST(ContinuationTest, TakesTheTokensThatSpellIt) {
  const auto taken =
      TakeContinuation(" a place", {}, Tokens({"It", " is", ":", " a", " pl", "ace"})).value();
  EXPECT_EQ(BytesOf(taken), (Texts{" a", " pl", "ace"}));
  EXPECT_FALSE(taken.straddles);
  EXPECT_EQ(taken.tokens[0].logprob, -3.5F);
}

TEST(ContinuationTest, ATokenOverTheBorderIsCutMarkedAndReported) {
  const auto taken = TakeContinuation("yes", {}, Tokens({"Answer", ":yes"})).value();
  EXPECT_EQ(BytesOf(taken), Texts{"yes*"});
  EXPECT_TRUE(taken.straddles);
  EXPECT_EQ(taken.tokens[0].logprob, -1.5F);
}

TEST(ContinuationTest, TextThatIsNotThereIsNotFound) {
  EXPECT_FALSE(TakeContinuation("no", {}, Tokens({"ye", "s"})).ok());
  EXPECT_FALSE(TakeContinuation("yes", {}, {}).ok());
  EXPECT_FALSE(TakeContinuation("eyes", {}, Tokens({"yes"})).ok());
}

TEST(ContinuationTest, OffsetsDecideWhereTextsAreLossy) {
  // "né" ends the prompt; the emoji behind it is two tokens that cannot be shown.
  const auto tokens = Tokens({"n\xc3\xa9", kLossy, kLossy}, true);
  const auto taken = TakeContinuation("\xf0\x9f\x98\x80", 2, tokens).value();
  EXPECT_EQ(BytesOf(taken), (Texts{std::string(kLossy) + "*", std::string(kLossy) + "*"}));
  const auto over = TakeContinuation("\xf0\x9f\x98\x80", 1, Tokens({"n", kLossy}, true)).value();
  EXPECT_FALSE(over.straddles);
  auto straddling = TakeContinuation("\xf0\x9f\x98\x80", 2, Tokens({"n", kLossy}, true)).value();
  EXPECT_TRUE(straddling.straddles);
  EXPECT_EQ(BytesOf(straddling), Texts{"*"});
}

TEST(ContinuationTest, ARunOfLossyTokensStandsForWhatItsNeighboursLeave) {
  const std::string emoji = "\xf0\x9f\x98\x80";
  const auto taken =
      TakeContinuation("hi " + emoji + "!", {}, Tokens({":", "hi", " ", kLossy, kLossy, "!"}))
          .value();
  EXPECT_EQ(BytesOf(taken), (Texts{"hi", " ", "*", emoji + "*", "!"}));
}

TEST(ContinuationTest, EmptyPartsBeforeTheFirstCharacterBelongToIt) {
  const std::string emoji = "\xf0\x9f\x98\x80";
  const auto taken = TakeContinuation(emoji, {}, Tokens({":", "", emoji})).value();
  EXPECT_EQ(BytesOf(taken), (Texts{"*", emoji}));
}

TEST(ContinuationTest, CharactersAreCodePoints) {
  EXPECT_EQ(CountCharacters("a\xc3\xa9\xf0\x9f\x98\x80"), 3u);
}

}  // namespace
}  // namespace limbeck::gateway
