#include "gateway/teachers/vllm/vllm_provider.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace limbeck::gateway {
namespace {

using nlohmann::json;

class VllmProviderTest : public ::testing::Test {
 protected:
  VllmProviderTest() {
    config_.name = "t";
    config_.kind = "vllm";
    config_.base_url = "http://host/v1";
    config_.model = "m";
    query_.messages = {{Role::kUser, "u"}};
    query_.sampling.temperature = 0;
    query_.sampling.max_tokens = 3;
  }

  json Body() { return json::parse(provider_.BuildRequest(config_, query_).value().body); }

  ParseResult Parse(const std::string& body, int status = 200) {
    http::Response response;
    response.status_code = status;
    response.body = body;
    return provider_.ParseResponse(config_, query_, response, absl::FromUnixSeconds(1));
  }

  VllmProvider provider_;
  TeacherConfig config_;
  TeacherQuery query_;
};

TEST_F(VllmProviderTest, ChoicesBecomeAStructuredOutput) {
  query_.choices = {"yes", "no"};
  query_.top_logprobs = 4;
  EXPECT_EQ(Body(), json::parse(R"({"model":"m","messages":[{"role":"user","content":"u"}],
      "temperature":0.0,"max_tokens":3,"logprobs":true,"top_logprobs":4,"return_token_ids":true,
      "structured_outputs":{"choice":["yes","no"]}})"));
  query_.response_schema = "{}";
  EXPECT_FALSE(provider_.BuildRequest(config_, query_).ok());
}

TEST_F(VllmProviderTest, AContinuationIsTheEndOfTheAssistantsTurn) {
  query_.continuation = "yes";
  query_.top_logprobs = 7;
  config_.stream = true;
  EXPECT_EQ(Body(), json::parse(R"({"model":"m","temperature":0.0,"max_tokens":1,
      "messages":[{"role":"user","content":"u"},{"role":"assistant","content":"yes"}],
      "add_generation_prompt":false,"continue_final_message":true,"prompt_logprobs":7,
      "return_token_ids":true})"));
  query_.messages.push_back({Role::kAssistant, "I say "});
  EXPECT_EQ(Body()["messages"][1]["content"], "I say yes");
  EXPECT_EQ(Body()["messages"].size(), 2u);
}

TEST_F(VllmProviderTest, ScoresComeFromThePromptsLogprobs) {
  query_.continuation = "yes sir";
  const auto output = std::get<cache::SoftOutput>(Parse(R"({"choices":[{"finish_reason":"length",
      "message":{"content":"."},"logprobs":null}],"prompt_token_ids":[1,2,30,40],
      "prompt_logprobs":[null,
        {"9":{"logprob":-0.1,"rank":1,"decoded_token":"x"},
         "2":{"logprob":-5.0,"rank":9,"decoded_token":"<|assistant|>"}},
        {"30":{"logprob":-1.5,"rank":2,"decoded_token":"yes"},
         "31":{"logprob":-0.3,"rank":1,"decoded_token":"no"}},
        {"40":{"logprob":-0.2,"rank":1,"decoded_token":" sir"}}]})"));
  EXPECT_EQ(output.text, "yes sir");
  EXPECT_EQ(output.raw_finish_reason, "scored");
  ASSERT_EQ(output.tokens.size(), 2u);
  EXPECT_EQ(output.tokens[0].id, 30u);
  EXPECT_EQ(output.tokens[0].logprob, -1.5F);
  ASSERT_EQ(output.tokens[0].candidates.size(), 2u);
  EXPECT_EQ(output.tokens[0].candidates[0].bytes, "no");
  EXPECT_EQ(output.tokens[1].bytes, " sir");
}

TEST_F(VllmProviderTest, WithoutIdsTheFirstEntryIsThePromptsToken) {
  query_.continuation = "yes";
  const auto output = std::get<cache::SoftOutput>(Parse(R"({"choices":[{}],"prompt_logprobs":[null,
      {"30":{"logprob":-1.5,"decoded_token":"yes"},"31":{"logprob":-0.3,"decoded_token":"no"}}]})"));
  ASSERT_EQ(output.tokens.size(), 1u);
  EXPECT_EQ(output.tokens[0].id, 30u);
}

TEST_F(VllmProviderTest, CharactersOverSeveralTokensStayLossy) {
  query_.continuation = "\xf0\x9f\x98\x80!";
  const auto output = std::get<cache::SoftOutput>(Parse(R"({"choices":[{}],"prompt_logprobs":[null,
      {"1":{"logprob":-1,"decoded_token":":"}},{"2":{"logprob":-2,"decoded_token":"\ufffd"}},
      {"3":{"logprob":-3,"decoded_token":"\ufffd"}},{"4":{"logprob":-4,"decoded_token":"!"}}]})"));
  ASSERT_EQ(output.tokens.size(), 3u);
  EXPECT_TRUE(output.tokens[0].lossy);
  EXPECT_EQ(output.tokens[0].id, 2u);
  EXPECT_EQ(output.tokens[1].bytes, "\xf0\x9f\x98\x80");
  EXPECT_TRUE(output.tokens[1].lossy);
  EXPECT_FALSE(output.tokens[2].lossy);
}

TEST_F(VllmProviderTest, TokenIdsOfTheAnswerAreItsTokensIds) {
  const auto output = std::get<cache::SoftOutput>(Parse(R"({"choices":[{"token_ids":[5,6],
      "message":{"content":"ab"},"logprobs":{"content":[
        {"token":"a","bytes":[97],"logprob":-1,"top_logprobs":[]},
        {"token":"b","bytes":[98],"logprob":-1,"top_logprobs":[]}]}}]})"));
  EXPECT_EQ(output.tokens[0].id, 5u);
  EXPECT_EQ(output.tokens[1].id, 6u);
}

TEST_F(VllmProviderTest, IdsInPlaceOfTextsAreIds) {
  // The chosen token's bytes are its own; a candidate's spell the id.
  const auto output = std::get<cache::SoftOutput>(Parse(R"({"choices":[{"message":{"content":"a"},
      "logprobs":{"content":[{"token":"token_id:5","bytes":[97],"logprob":-9.5,"top_logprobs":[
        {"token":"token_id:7","logprob":-0.1,"bytes":[116,111,107,101,110,95,105,100,58,55]}]}]}}]})"));
  ASSERT_EQ(output.tokens.size(), 1u);
  EXPECT_EQ(output.tokens[0].id, 5u);
  EXPECT_EQ(output.tokens[0].bytes, "a");
  EXPECT_FALSE(output.tokens[0].lossy);
  ASSERT_EQ(output.tokens[0].candidates.size(), 1u);
  EXPECT_EQ(output.tokens[0].candidates[0].id, 7u);
  EXPECT_EQ(output.tokens[0].candidates[0].bytes, "");
}

TEST_F(VllmProviderTest, ErrorCodesAreNumbers) {
  const auto failure = std::get<Failure>(
      Parse(R"({"error":{"message":"maximum context length","type":"BadRequestError","code":400}})",
            400));
  EXPECT_EQ(failure.cls, FailureClass::kBadRequest);
  EXPECT_EQ(failure.reason, "BadRequestError");
  EXPECT_EQ(std::get<Failure>(
                Parse(R"({"object":"error","message":"m","type":"NotFoundError","code":404})", 404))
                .cls,
            FailureClass::kStopTeacher);
}

}  // namespace
}  // namespace limbeck::gateway
