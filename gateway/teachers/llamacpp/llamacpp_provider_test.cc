#include "gateway/teachers/llamacpp/llamacpp_provider.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <nlohmann/json.hpp>
#include <string>

#include "base/file.h"
#include "gateway/teachers/canonical.h"

namespace limbeck::gateway {
namespace {

using nlohmann::json;

class LlamaCppProviderTest : public ::testing::Test {
 protected:
  LlamaCppProviderTest() {
    config_.name = "t";
    config_.kind = "llamacpp";
    config_.base_url = "http://127.0.0.1:8080";
    config_.model = "smollm2";
    config_.max_top_logprobs = 100;
    query_.messages = {{Role::kUser, "u"}};
  }

  absl::Status Refusal() { return provider_.BuildRequest(config_, query_).status(); }

  const LlamaCppProvider provider_;
  TeacherConfig config_;
  TeacherQuery query_;
};

TEST_F(LlamaCppProviderTest, SwitchesTheServersOwnSamplersOff) {
  query_.top_logprobs = 100;
  const http::Request request = provider_.BuildRequest(config_, query_).value();
  EXPECT_EQ(request.url, "http://127.0.0.1:8080/completion");
  EXPECT_EQ(json::parse(request.body), json::parse(R"({
      "model":"smollm2","prompt":"u","n_predict":256,"temperature":1.0,"top_k":0,"top_p":1.0,
      "min_p":0,"repeat_penalty":1,"n_probs":100,"post_sampling_probs":false,"stream":false})"));
}

TEST_F(LlamaCppProviderTest, EveryParameterHasItsField) {
  query_.sampling = {.temperature = 0, .top_p = 0.9, .max_tokens = 3, .seed = 7, .stop = {"\n"}};
  query_.response_schema = R"({"type":"object"})";
  config_.stream = true;
  config_.prompt_format = PromptFormat::kChatMl;
  const json body = json::parse(provider_.BuildRequest(config_, query_)->body);
  EXPECT_EQ(body["prompt"], "<|im_start|>user\nu<|im_end|>\n<|im_start|>assistant\n");
  EXPECT_EQ(body["n_predict"], 3);
  EXPECT_EQ(body["top_p"], 0.9);
  EXPECT_EQ(body["seed"], 7);
  EXPECT_EQ(body["stop"], json::parse(R"(["\n"])"));
  EXPECT_EQ(body["json_schema"], json::parse(R"({"type":"object"})"));
  EXPECT_EQ(body["stream"], true);
}

TEST_F(LlamaCppProviderTest, SendsWhatARealServerAnswered) {
  const char* root = std::getenv("LIMBECK_SOURCE_DIR");
  const auto request_of = [root](const std::string& name) {
    const std::string path = std::string(root == nullptr ? "." : root) +
                             "/gateway/teachers/llamacpp/testdata/recorded-" + name + ".case.json";
    return json::parse(ReadFile(path).value()).at("request");
  };
  config_.model = "smollm2-135m";
  config_.prompt_format = PromptFormat::kChatMl;
  query_.messages = {{Role::kUser, "Is the sky blue? Answer yes or no."}};
  query_.sampling.temperature = 0;
  query_.sampling.max_tokens = 1;
  query_.top_logprobs = 20;
  EXPECT_EQ(json::parse(provider_.BuildRequest(config_, query_)->body), request_of("label"));

  query_.sampling.max_tokens = 12;
  query_.top_logprobs = 2;
  query_.choices = {"a\"b", "c\\d\ne"};
  EXPECT_EQ(json::parse(provider_.BuildRequest(config_, query_)->body),
            request_of("choices-with-escapes"));
}

TEST_F(LlamaCppProviderTest, ChoicesAreAGrammar) {
  query_.choices = {"yes", "no"};
  EXPECT_EQ(json::parse(provider_.BuildRequest(config_, query_)->body)["grammar"],
            "root ::= \"yes\" | \"no\"");
  query_.response_schema = "{}";
  EXPECT_FALSE(Refusal().ok());
  query_.response_schema.clear();
  for (const std::string& choice : {std::string(), std::string("a\0b", 3), std::string("\xff")}) {
    query_.choices = {"yes", choice};
    EXPECT_FALSE(Refusal().ok());
  }
}

TEST_F(LlamaCppProviderTest, RefusesWhatTheServerDoesNotHave) {
  query_.continuation = "yes";
  EXPECT_FALSE(Refusal().ok());
  query_.continuation.clear();
  for (const int64_t seed : {int64_t{-1}, int64_t{4294967295}}) {
    query_.sampling.seed = seed;
    EXPECT_FALSE(Refusal().ok()) << seed;
  }
}

TEST_F(LlamaCppProviderTest, ThePromptFormatIsPartOfTheCanonicalRequest) {
  const std::string plain = CanonicalRequest(config_, query_);
  config_.prompt_format = PromptFormat::kGemma;
  EXPECT_NE(CanonicalRequest(config_, query_), plain);
}

}  // namespace
}  // namespace limbeck::gateway
