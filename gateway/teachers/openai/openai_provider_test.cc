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

}  // namespace
}  // namespace limbeck::gateway
