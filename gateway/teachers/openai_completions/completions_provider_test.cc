#include "gateway/teachers/openai_completions/completions_provider.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace limbeck::gateway {
namespace {

using nlohmann::json;

class CompletionsProviderTest : public ::testing::Test {
 protected:
  CompletionsProviderTest() {
    config_.name = "t";
    config_.kind = "openai_completions";
    config_.base_url = "http://host/v1";
    config_.model = "m";
    query_.messages = {{Role::kUser, "u1"}, {Role::kSystem, "s"}, {Role::kUser, "Label:"}};
  }

  json Body() { return json::parse(provider_.BuildRequest(config_, query_).value().body); }

  ParseResult Parse(const std::string& body) {
    http::Response response;
    response.status_code = 200;
    response.body = body;
    return provider_.ParseResponse(config_, query_, response, absl::FromUnixSeconds(1));
  }

  CompletionsProvider provider_;
  TeacherConfig config_;
  TeacherQuery query_;
};

TEST_F(CompletionsProviderTest, TurnsAreJoinedByBlankLinesSystemFirst) {
  EXPECT_EQ(FlattenPrompt(query_.messages), "s\n\nu1\n\nLabel:");
  EXPECT_EQ(FlattenPrompt({}), "");
}

TEST_F(CompletionsProviderTest, WritesEveryParameter) {
  query_.sampling = {.temperature = 0.5, .top_p = 0.9, .max_tokens = 3, .seed = 7, .stop = {"."}};
  query_.top_logprobs = 5;
  config_.stream = true;
  EXPECT_EQ(provider_.BuildRequest(config_, query_)->url, "http://host/v1/completions");
  EXPECT_EQ(Body(), json::parse(R"({"model":"m","prompt":"s\n\nu1\n\nLabel:","temperature":0.5,
      "top_p":0.9,"max_tokens":3,"seed":7,"stop":["."],"logprobs":5,"stream":true,
      "stream_options":{"include_usage":true}})"));
}

TEST_F(CompletionsProviderTest, ScoringEchoesThePromptAndGeneratesNothing) {
  query_.continuation = " place";
  config_.stream = true;
  EXPECT_EQ(Body(), json::parse(R"({"model":"m","prompt":"s\n\nu1\n\nLabel: place",
      "temperature":1.0,"echo":true,"max_tokens":0,"logprobs":1})"));
}

TEST_F(CompletionsProviderTest, ReadsListsAndMaps) {
  const auto output = std::get<cache::SoftOutput>(Parse(R"({"choices":[{"text":" yes!",
      "finish_reason":"length","logprobs":{"tokens":[" yes","!"],"token_logprobs":[-0.1,null],
      "top_logprobs":[{" yes":-0.1," no":-2.5,"\\xe2":-9999.0},null],"text_offset":[9,13]}}]})"));
  EXPECT_EQ(output.text, " yes!");
  ASSERT_EQ(output.tokens.size(), 2u);
  EXPECT_EQ(output.tokens[0].bytes, " yes");
  EXPECT_FALSE(output.tokens[0].lossy);
  ASSERT_EQ(output.tokens[0].candidates.size(), 2u);
  EXPECT_EQ(output.tokens[0].candidates[1].bytes, " no");
  EXPECT_FALSE(output.tokens[1].logprob.has_value());
  EXPECT_EQ(output.support, cache::Support::kTopK);
}

TEST_F(CompletionsProviderTest, ScoredTokensAreThoseBehindThePrompt) {
  query_.messages = {{Role::kUser, "It is:"}};
  query_.continuation = " a place";
  query_.top_logprobs = 2;
  const auto output = std::get<cache::SoftOutput>(Parse(R"({"choices":[{"text":"It is: a place",
      "finish_reason":"length","logprobs":{"tokens":["It"," is",":"," a"," place"],
      "token_logprobs":[null,-3,-1,-0.5,-2],"text_offset":[0,2,5,6,8],
      "top_logprobs":[null,{},{},{" a":-0.5," an":-1},{" plant":-1," place":-2}]}}],
      "usage":{"prompt_tokens":5,"completion_tokens":0}})"));
  EXPECT_EQ(output.text, " a place");
  EXPECT_EQ(output.raw_finish_reason, "scored");
  EXPECT_EQ(output.finish_reason, cache::FinishReason::kStop);
  ASSERT_EQ(output.tokens.size(), 2u);
  EXPECT_EQ(output.tokens[1].bytes, " place");
  EXPECT_EQ(output.tokens[1].logprob, -2.0F);
  EXPECT_EQ(output.tokens[1].candidates[0].bytes, " plant");
  EXPECT_EQ(output.usage.input_tokens, 5u);
}

TEST_F(CompletionsProviderTest, ATokenOverTheBorderIsMarkedAndReported) {
  query_.messages = {{Role::kUser, "It is"}};
  query_.continuation = "olated";
  const auto output = std::get<cache::SoftOutput>(Parse(R"({"choices":[{"text":"","logprobs":{
      "tokens":["It"," isol","ated"],"token_logprobs":[null,-3,-1],"text_offset":[0,2,7]}}]})"));
  EXPECT_EQ(output.raw_finish_reason, "scored_straddling");
  ASSERT_EQ(output.tokens.size(), 2u);
  EXPECT_EQ(output.tokens[0].bytes, "ol");
  EXPECT_TRUE(output.tokens[0].lossy);
  EXPECT_EQ(output.tokens[0].logprob, -3.0F);
}

TEST_F(CompletionsProviderTest, AnswersWithoutTheTextsScoreFailForGood) {
  query_.continuation = "x";
  for (const char* body : {R"({"choices":[{"text":"x","logprobs":null}]})",
                           R"({"choices":[{"text":"x","logprobs":{"tokens":["y"]}}]})"}) {
    const auto failure = std::get<Failure>(Parse(body));
    EXPECT_EQ(failure.cls, FailureClass::kBadRequest);
    EXPECT_EQ(failure.reason, "NOT_SCORED");
    EXPECT_TRUE(failure.may_have_been_billed);
  }
}

TEST_F(CompletionsProviderTest, StreamedListsGoOnWhereTheLastChunkEnded) {
  const auto output = std::get<cache::SoftOutput>(
      Parse("data: {\"choices\":[{\"text\":\"a\",\"logprobs\":{\"tokens\":[\"a\"],"
            "\"token_logprobs\":[-1]}}]}\n\n"
            "data: {\"choices\":[{\"text\":\"b\",\"logprobs\":{\"token_logprobs\":[-2],"
            "\"tokens\":[\"b\"]},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n"));
  EXPECT_EQ(output.text, "ab");
  ASSERT_EQ(output.tokens.size(), 2u);
  EXPECT_EQ(output.tokens[1].bytes, "b");
  EXPECT_EQ(output.tokens[1].logprob, -2.0F);
}

}  // namespace
}  // namespace limbeck::gateway
