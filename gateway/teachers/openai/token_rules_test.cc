#include "gateway/teachers/openai/token_rules.h"

#include <gtest/gtest.h>

#include <limits>
#include <string>

namespace limbeck::gateway {
namespace {

TEST(TokenRulesTest, SentinelsAreNoLogprobsAndRoundingIsZero) {
  for (const double value : {-9999.0, -3.4e38, 0.5, std::numeric_limits<double>::quiet_NaN(),
                             -std::numeric_limits<double>::infinity()}) {
    EXPECT_FALSE(CleanLogprob(value).has_value()) << value;
  }
  EXPECT_EQ(CleanLogprob(1e-6), 0.0f);
  EXPECT_EQ(CleanLogprob(-2), -2.0f);
}

TEST(TokenRulesTest, TextIsIdentityUnlessItStandsForBytes) {
  EXPECT_EQ(IdentityOf(" yes").bytes, " yes");
  EXPECT_FALSE(IdentityOf(" yes").lossy);
  EXPECT_TRUE(IdentityOf("\\xe2").lossy);
  EXPECT_TRUE(IdentityOf("a\xef\xbf\xbd").lossy);
}

TEST(TokenRulesTest, IdsWrittenAsTextAreIds) {
  EXPECT_EQ(IdentityOf("token_id:123").id, 123u);
  EXPECT_EQ(IdentityOf("token_id:123").bytes, "");
  for (const char* text : {"token_id:", "token_id:x", "token_id:-1", "token_id:99999999999"}) {
    EXPECT_FALSE(IdentityOf(text).id.has_value()) << text;
    EXPECT_TRUE(IdentityOf(text).lossy) << text;
  }
}

TEST(TokenRulesTest, OfEqualTokensTheLikelierStays) {
  std::vector<cache::Candidate> candidates = {{"a", 1, -3},     {"a", 2, -1},  {"b", {}, -2},
                                              {"b", {}, -0.5F}, {"a", {}, -4}, {"a", 1, -2}};
  SortAndDeduplicate(&candidates);
  ASSERT_EQ(candidates.size(), 3u);
  EXPECT_EQ(candidates[0].bytes, "b");
  EXPECT_EQ(candidates[1].id, 2u);
  EXPECT_EQ(candidates[2].id, 1u);
  EXPECT_EQ(candidates[2].logprob, -2.0F);
}

TEST(TokenRulesTest, LongListsFollowTheSameRuleInLinearTime) {
  std::vector<cache::Candidate> candidates;
  for (uint32_t i = 0; i < 200'000; ++i) {
    candidates.push_back({std::to_string(i % 1000),
                          i % 2 == 0 ? std::optional(i % 500) : std::nullopt,
                          -static_cast<float>(i % 100'000) / 1000});
  }
  SortAndDeduplicate(&candidates);
  std::vector<cache::Candidate> again = candidates;
  SortAndDeduplicate(&again);
  EXPECT_EQ(again.size(), candidates.size());
  EXPECT_LE(candidates.size(), 1500u);
}

}  // namespace
}  // namespace limbeck::gateway
