#include "gateway/teachers/token_entry.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "gateway/teachers/openai/token_rules.h"

namespace limbeck::gateway {
namespace {

TokenEntry Entry(std::string shown, double logprob, std::optional<uint32_t> id = std::nullopt) {
  TokenEntry entry;
  entry.shown = std::move(shown);
  entry.id = id;
  entry.logprob = CleanLogprob(logprob);
  SettleIdentity(&entry);
  return entry;
}

TEST(TokenEntryTest, Case18SentinelsAreNoLogprobs) {
  for (const double value :
       {-9999.0, -3.4028234663852886e38, -1e300, 0.06, std::numeric_limits<double>::quiet_NaN(),
        -std::numeric_limits<double>::infinity()}) {
    EXPECT_FALSE(CleanLogprob(value).has_value()) << value;
  }
  EXPECT_EQ(CleanLogprob(-30.0), -30.0F);
  EXPECT_EQ(CleanLogprob(0.01), 0.0F);
}

TEST(TokenEntryTest, Case12ReplacedCharactersAreLossy) {
  EXPECT_TRUE(Entry("\xef\xbf\xbd", -1).lossy);
  EXPECT_TRUE(Entry("\\xc3", -1).lossy);
  EXPECT_FALSE(Entry("\xc3\xa9", -1).lossy);
}

TEST(TokenEntryTest, Case15CandidatesAreToldApartByIdElseByBytes) {
  EXPECT_EQ(MakeToken(Entry("a", -1, 1), {Entry("a", -1, 1), Entry("a", -2, 2)}).candidates.size(),
            2u);
  EXPECT_EQ(MakeToken(Entry("a", -1), {Entry("a", -2), Entry("a", -1)}).candidates.size(), 1u);
}

TEST(TokenEntryTest, Case16AChosenTokenOutsideTheListStaysOutside) {
  const cache::Token token = MakeToken(Entry("c", -5), {Entry("b", -2), Entry("a", -1)});
  EXPECT_EQ(token.bytes, "c");
  EXPECT_EQ(token.logprob, -5.0F);
  ASSERT_EQ(token.candidates.size(), 2u);
  EXPECT_EQ(token.candidates[0].bytes, "a");
}

TEST(TokenEntryTest, Case20SumsAboveOneAreScaledAndRoundingIsNot) {
  cache::Token token =
      MakeToken(Entry("a", std::log(0.9)), {Entry("a", std::log(0.9)), Entry("b", std::log(0.3))});
  EXPECT_NEAR(Renormalise(&token), 1.2, 1e-5);
  EXPECT_NEAR(std::exp(token.candidates[0].logprob), 0.75, 1e-6);
  EXPECT_NEAR(std::exp(*token.logprob), 0.75, 1e-6);

  token = MakeToken(Entry("a", std::log(0.6)),
                    {Entry("a", std::log(0.6)), Entry("b", std::log(0.4004))});
  Renormalise(&token);
  EXPECT_FLOAT_EQ(token.candidates[0].logprob, std::log(0.6F));
}

TEST(TokenEntryTest, SupportIsWhatIsReallyThere) {
  cache::SoftOutput output;
  output.tokens = {MakeToken(Entry("a", -9999), {})};
  SettleTokens("t", &output);
  EXPECT_EQ(output.support, cache::Support::kTextOnly);
  EXPECT_TRUE(output.tokens.empty());

  output.tokens = {MakeToken(Entry("a", -1), {}), MakeToken(Entry("b", -9999), {})};
  SettleTokens("t", &output);
  EXPECT_EQ(output.support, cache::Support::kChosenOnly);
  EXPECT_EQ(output.tokens.size(), 2u);

  output.tokens.push_back(MakeToken(Entry("c", -1), {Entry("c", -1)}));
  SettleTokens("t", &output);
  EXPECT_EQ(output.support, cache::Support::kTopK);
}

}  // namespace
}  // namespace limbeck::gateway
