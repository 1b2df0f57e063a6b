#include "gateway/teachers/token_json.h"

#include <gtest/gtest.h>

namespace limbeck::gateway {
namespace {

using nlohmann::json;

cache::Token TokenOf(const char* text) {
  std::vector<cache::Token> tokens;
  AppendTokens(json::array({json::parse(text)}), &tokens);
  return tokens.at(0);
}

TEST(TokenJsonTest, Case11BytesWinOverTheDisplayString) {
  const cache::Token token =
      TokenOf(R"({"token":"\\xc3","bytes":[195],"logprob":-1,"top_logprobs":[]})");
  EXPECT_EQ(token.bytes, "\xc3");
  EXPECT_FALSE(token.lossy);
}

TEST(TokenJsonTest, Case13BytesAbove255AreNotUsed) {
  for (const char* text : {R"({"token":"a","bytes":[28450],"logprob":-1})",
                           R"({"token":"a","bytes":[-1],"logprob":-1})",
                           R"({"token":"a","bytes":["b"],"logprob":-1})"}) {
    EXPECT_EQ(TokenOf(text).bytes, "a") << text;
    EXPECT_TRUE(TokenOf(text).lossy) << text;
  }
}

TEST(TokenJsonTest, NonsenseIsAnEmptyTokenWithoutLogprob) {
  std::vector<cache::Token> tokens;
  AppendTokens(json::parse(R"([null,3,{},{"id":-1,"token":7,"logprob":"x","top_logprobs":[1]}])"),
               &tokens);
  ASSERT_EQ(tokens.size(), 4u);
  for (const cache::Token& token : tokens) {
    EXPECT_FALSE(token.logprob.has_value());
    EXPECT_FALSE(token.id.has_value());
    EXPECT_TRUE(token.candidates.empty());
  }
  AppendTokens(json::parse("{}"), &tokens);
  EXPECT_EQ(tokens.size(), 4u);
}

TEST(TokenJsonTest, ProbabilitiesAfterSamplingAreSeen) {
  EXPECT_TRUE(HasPostSamplingProbs(json::parse(R"([{"prob":1}])")));
  EXPECT_TRUE(HasPostSamplingProbs(json::parse(R"([{"logprob":-1},{"top_probs":[]}])")));
  EXPECT_FALSE(HasPostSamplingProbs(json::parse(R"([{"logprob":-1}])")));
  EXPECT_FALSE(HasPostSamplingProbs(json()));
}

}  // namespace
}  // namespace limbeck::gateway
