#include "gateway/teachers/ollama/ollama_provider.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace limbeck::gateway {
namespace {

using nlohmann::json;

class OllamaProviderTest : public ::testing::Test {
 protected:
  OllamaProviderTest() {
    config_.name = "t";
    config_.kind = "ollama";
    config_.base_url = "http://127.0.0.1:11434";
    config_.model = "gemma3";
    query_.messages = {{Role::kSystem, "s"}, {Role::kUser, "u"}};
  }

  const OllamaProvider provider_;
  TeacherConfig config_;
  TeacherQuery query_;
};

TEST_F(OllamaProviderTest, TurnsTheStreamOffUnlessItIsWanted) {
  const http::Request request = provider_.BuildRequest(config_, query_).value();
  EXPECT_EQ(request.url, "http://127.0.0.1:11434/api/chat");
  EXPECT_EQ(json::parse(request.body), json::parse(R"({
      "model":"gemma3","stream":false,"options":{"temperature":1.0,"num_predict":256},
      "messages":[{"role":"system","content":"s"},{"role":"user","content":"u"}]})"));
  config_.stream = true;
  EXPECT_EQ(json::parse(provider_.BuildRequest(config_, query_)->body)["stream"], true);
}

TEST_F(OllamaProviderTest, EveryParameterHasItsField) {
  query_.sampling = {.temperature = 0, .top_p = 0.9, .max_tokens = 3, .seed = 7, .stop = {"\n"}};
  query_.top_logprobs = 20;
  query_.response_schema = R"({"type":"object"})";
  const json body = json::parse(provider_.BuildRequest(config_, query_)->body);
  EXPECT_EQ(body["options"], json::parse(R"({"temperature":0.0,"num_predict":3,"top_p":0.9,
                                             "seed":7,"stop":["\n"]})"));
  EXPECT_EQ(body["logprobs"], true);
  EXPECT_EQ(body["top_logprobs"], 20);
  EXPECT_EQ(body["format"], json::parse(R"({"type":"object"})"));
}

TEST_F(OllamaProviderTest, RefusesWhatTheServerDoesNotHave) {
  query_.top_logprobs = 21;
  EXPECT_FALSE(provider_.BuildRequest(config_, query_).ok());
  query_.top_logprobs = 0;
  query_.choices = {"yes"};
  EXPECT_FALSE(provider_.BuildRequest(config_, query_).ok());
  query_.choices.clear();
  query_.continuation = "yes";
  EXPECT_FALSE(provider_.BuildRequest(config_, query_).ok());
}

}  // namespace
}  // namespace limbeck::gateway
