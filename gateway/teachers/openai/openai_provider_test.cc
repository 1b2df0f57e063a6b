#include "gateway/teachers/openai/openai_provider.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace limbeck::gateway {
namespace {

using nlohmann::json;

class OpenAiProviderTest : public ::testing::Test {
 protected:
  OpenAiProviderTest() {
    config_.name = "t";
    config_.kind = "openai";
    config_.base_url = "http://host/v1";
    config_.model = "m";
    query_.messages = {{Role::kSystem, "s"}, {Role::kUser, "u"}, {Role::kAssistant, "a"}};
  }

  OpenAiProvider provider_;
  TeacherConfig config_;
  TeacherQuery query_;
};

TEST_F(OpenAiProviderTest, WritesEveryParameter) {
  query_.sampling = {.temperature = 0.5, .top_p = 0.9, .max_tokens = 3, .seed = 7, .stop = {"."}};
  query_.top_logprobs = 20;
  query_.response_schema = R"({"type":"object"})";
  const http::Request request = provider_.BuildRequest(config_, query_).value();
  EXPECT_EQ(request.url, "http://host/v1/chat/completions");
  EXPECT_EQ(json::parse(request.body), json::parse(R"({
    "model":"m","temperature":0.5,"top_p":0.9,"max_tokens":3,"seed":7,"stop":["."],
    "logprobs":true,"top_logprobs":20,
    "messages":[{"role":"system","content":"s"},{"role":"user","content":"u"},
                {"role":"assistant","content":"a"}],
    "response_format":{"type":"json_schema","json_schema":
      {"name":"answer","strict":true,"schema":{"type":"object"}}}})"));
}

TEST_F(OpenAiProviderTest, LeavesOutWhatWasNotAsked) {
  config_.max_completion_tokens = true;
  const json body = json::parse(provider_.BuildRequest(config_, query_)->body);
  EXPECT_EQ(body["max_completion_tokens"], 256);
  for (const char* key : {"max_tokens", "logprobs", "top_logprobs", "seed", "top_p", "stop"}) {
    EXPECT_FALSE(body.contains(key)) << key;
  }
}

TEST_F(OpenAiProviderTest, MoreCandidatesThanTheTeacherGivesAreRefused) {
  query_.top_logprobs = 21;
  EXPECT_EQ(provider_.BuildRequest(config_, query_).status().code(),
            absl::StatusCode::kInvalidArgument);
}

TEST_F(OpenAiProviderTest, FillsInProvenance) {
  query_.top_logprobs = 4;
  http::Response response;
  response.status_code = 200;
  response.headers = {{"x-request-id", "req-1"}};
  response.body =
      R"({"model":"m-2","system_fingerprint":"fp","choices":[{"message":{"content":"x"}}]})";
  const absl::Time now = absl::FromUnixSeconds(1'700'000'000);
  const auto output =
      std::get<cache::SoftOutput>(provider_.ParseResponse(config_, query_, response, now));
  EXPECT_EQ(output.top_logprobs, 4u);
  EXPECT_EQ(output.provenance.teacher, "t");
  EXPECT_EQ(output.provenance.model, "m-2");
  EXPECT_EQ(output.provenance.fingerprint, "fp");
  EXPECT_EQ(output.provenance.request_id, "req-1");
  EXPECT_EQ(output.provenance.unix_micros, 1'700'000'000'000'000);
}

TEST_F(OpenAiProviderTest, SeveralAnswersComeFromOneCall) {
  config_.stream = true;
  query_.samples = 3;
  const auto request = provider_.BuildRequest(config_, query_);
  ASSERT_TRUE(request.ok()) << request.status();
  const auto body = json::parse(request->body);
  EXPECT_EQ(body["n"], 3);
  EXPECT_FALSE(body.contains("stream"));
  http::Response response;
  response.status_code = 200;
  response.body = R"({"model":"m-1","choices":[
    {"index":0,"finish_reason":"stop","message":{"content":"yes"}},
    {"index":1,"finish_reason":"stop","message":{"content":null,"refusal":"I will not"}},
    {"index":2,"finish_reason":"length","message":{"content":"n"}}],
    "usage":{"prompt_tokens":9,"completion_tokens":3}})";
  const ParseResult first = provider_.ParseResponse(config_, query_, response, absl::UnixEpoch());
  EXPECT_EQ(std::get<cache::SoftOutput>(first).text, "yes");
  const auto further = provider_.ParseFurther(config_, query_, response, absl::UnixEpoch());
  ASSERT_EQ(further.size(), 2u);
  EXPECT_EQ(further[0].finish_reason, cache::FinishReason::kRefusal);
  EXPECT_EQ(further[1].text, "n");
  EXPECT_EQ(further[1].finish_reason, cache::FinishReason::kLength);
  EXPECT_EQ(further[1].provenance.model, "m-1");
  EXPECT_EQ(further[1].usage.input_tokens, 9u);
}

TEST_F(OpenAiProviderTest, MissingAnswersAreLeftOut) {
  query_.samples = 4;
  http::Response response;
  response.status_code = 200;
  response.body = R"({"choices":[{"finish_reason":"stop","message":{"content":"a"}}, 7,
                                 {"finish_reason":"stop","message":{"content":"b"}}]})";
  const auto further = provider_.ParseFurther(config_, query_, response, absl::UnixEpoch());
  ASSERT_EQ(further.size(), 1u);
  EXPECT_EQ(further[0].text, "b");
  query_.samples = 129;
  EXPECT_FALSE(provider_.BuildRequest(config_, query_).ok());
}

}  // namespace
}  // namespace limbeck::gateway
