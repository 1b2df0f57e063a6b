#include "gateway/teachers/compatible/compatible_provider.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "absl/strings/match.h"
#include "gateway/teachers/compatible/profiles.h"

namespace limbeck::gateway {
namespace {

using nlohmann::json;

class CompatibleProviderTest : public ::testing::Test {
 protected:
  CompatibleProviderTest() {
    config_.name = "t";
    config_.kind = "openai_compatible";
    config_.base_url = "http://host/v1";
    config_.model = "m";
    query_.messages = {{Role::kUser, "u"}};
    query_.sampling.seed = 7;
  }

  json Body(const std::string& profile) {
    config_.profile = profile;
    return json::parse(provider_.BuildRequest(config_, query_).value().body);
  }

  ParseResult Parse(const std::string& body, int status = 200,
                    std::vector<http::Header> headers = {}) {
    http::Response response;
    response.status_code = status;
    response.body = body;
    response.headers = std::move(headers);
    return provider_.ParseResponse(config_, query_, response, absl::FromUnixSeconds(1));
  }

  CompatibleProvider provider_;
  TeacherConfig config_;
  TeacherQuery query_;
};

TEST_F(CompatibleProviderTest, LogprobsAreAskedForInTheHostsForm) {
  query_.top_logprobs = 4;
  EXPECT_EQ(Body("deepseek")["logprobs"], true);
  EXPECT_EQ(Body("deepseek")["top_logprobs"], 4);
  EXPECT_EQ(Body("together")["logprobs"], 4);
  EXPECT_FALSE(Body("together").contains("top_logprobs"));
}

TEST_F(CompatibleProviderTest, HostsWithoutLogprobsRefuseThem) {
  for (const char* profile : {"mistral", "groq"}) {
    config_.profile = profile;
    EXPECT_FALSE(provider_.CapabilitiesFor(config_).logprobs) << profile;
    query_.top_logprobs = 0;
    EXPECT_FALSE(Body(profile).contains("logprobs")) << profile;
    query_.top_logprobs = 1;
    EXPECT_FALSE(provider_.BuildRequest(config_, query_).ok()) << profile;
  }
  config_.profile = "fireworks";
  query_.top_logprobs = 6;
  EXPECT_FALSE(provider_.BuildRequest(config_, query_).ok());
}

TEST_F(CompatibleProviderTest, MistralNamesItsSeedItsOwnWay) {
  EXPECT_EQ(Body("mistral")["random_seed"], 7);
  EXPECT_FALSE(Body("mistral").contains("seed"));
  config_.stream = true;
  EXPECT_FALSE(Body("mistral").contains("stream_options"));
}

TEST_F(CompatibleProviderTest, OpenRouterMustNotDropParameters) {
  EXPECT_EQ(Body("openrouter")["provider"], json::parse(R"({"require_parameters":true})"));
  config_.enforce_distillable_text = true;
  EXPECT_EQ(Body("openrouter")["provider"],
            json::parse(R"({"require_parameters":true,"enforce_distillable_text":true})"));
  config_.profile = "groq";
  EXPECT_EQ(provider_.CheckConfig(config_).at(0).field, "enforce_distillable_text");
}

TEST_F(CompatibleProviderTest, TogetherIsNotStreamedWhereThatLosesCandidates) {
  config_.stream = true;
  EXPECT_EQ(Body("together")["stream"], true);
  query_.top_logprobs = 4;
  EXPECT_FALSE(Body("together").contains("stream"));
  EXPECT_EQ(Body("deepseek")["stream"], true);
}

TEST_F(CompatibleProviderTest, TogethersListsAreRead) {
  const auto output = std::get<cache::SoftOutput>(Parse(R"({"choices":[{"finish_reason":"eos",
      "message":{"content":"yes"},"logprobs":{"tokens":["yes"],"token_ids":[9],
      "token_logprobs":[-0.1],"top_logprobs":[{"yes":-0.1,"no":-3}]}}]})"));
  ASSERT_EQ(output.tokens.size(), 1u);
  EXPECT_EQ(output.tokens[0].id, 9u);
  EXPECT_EQ(output.tokens[0].candidates.size(), 2u);
  EXPECT_EQ(output.finish_reason, cache::FinishReason::kStop);
}

TEST_F(CompatibleProviderTest, UnfinishedAnswersAreNamedAsTheHostNamesThem) {
  const auto parse = [&](const std::string& profile, const std::string& reason) {
    config_.profile = profile;
    return Parse(R"({"choices":[{"message":{"content":"x"},"finish_reason":")" + reason + "\"}]}");
  };
  EXPECT_EQ(std::get<Failure>(parse("deepseek", "insufficient_system_resource")).cls,
            FailureClass::kRetryable);
  EXPECT_EQ(std::get<cache::SoftOutput>(parse("mistral", "model_length")).finish_reason,
            cache::FinishReason::kLength);
  EXPECT_EQ(std::get<Failure>(parse("mistral", "error")).cls, FailureClass::kRetryable);
}

TEST_F(CompatibleProviderTest, OpenRoutersErrorsAndModeration) {
  config_.profile = "openrouter";
  EXPECT_EQ(std::get<Failure>(Parse(R"({"error":{"code":503,"message":"m"}})")).cls,
            FailureClass::kRetryable);
  const std::string no_credit = R"({"error":{"code":402,"message":"m"}})";
  EXPECT_EQ(std::get<Failure>(Parse(no_credit, 402)).cls, FailureClass::kStopTeacher);
  EXPECT_EQ(std::get<Failure>(Parse(no_credit, 402, {{"Retry-After", "5"}})).cls,
            FailureClass::kRateLimited);
  EXPECT_EQ(std::get<Failure>(Parse(R"({"error":{"code":403,"message":"flagged",
                "metadata":{"reasons":["violence"],"flagged_input":"…"}}})",
                                    403))
                .cls,
            FailureClass::kRefused);
}

TEST_F(CompatibleProviderTest, CountsPerDayPaceNothingUntilTheyAreZero) {
  config_.profile = "groq";
  http::Response response;
  response.status_code = 200;
  response.headers = {{"x-ratelimit-remaining-requests", "9"},
                      {"x-ratelimit-reset-requests", "2m"},
                      {"x-ratelimit-remaining-tokens", "100"}};
  QuotaHints hints = provider_.HintsFor(config_, response, absl::UnixEpoch());
  EXPECT_FALSE(hints.remaining_requests.has_value());
  EXPECT_EQ(hints.remaining_total_tokens, 100);
  response.headers[0].value = "0";
  hints = provider_.HintsFor(config_, response, absl::UnixEpoch());
  EXPECT_EQ(hints.remaining_requests, 0);
  EXPECT_EQ(hints.reset_requests, absl::Minutes(2));
}

TEST_F(CompatibleProviderTest, FireworksCountsPromptAndGeneratedTokensApart) {
  config_.profile = "fireworks";
  http::Response response;
  response.status_code = 200;
  response.headers = {{"X-Ratelimit-Remaining-Tokens-Prompt", "3"},
                      {"X-Ratelimit-Remaining-Tokens-Generated", "4"}};
  const QuotaHints hints = provider_.HintsFor(config_, response, absl::UnixEpoch());
  EXPECT_EQ(hints.remaining_input_tokens, 3);
  EXPECT_EQ(hints.remaining_output_tokens, 4);
}

TEST_F(CompatibleProviderTest, AProfileOfTheOperatorsOwnIsFollowed) {
  CompatibleProfile own;
  own.chat_path = "/v2/chat";
  own.logprobs = LogprobsForm::kCount;
  own.max_tokens_field = "limit";
  own.seed_field = "rng";
  own.response_schema = false;
  own.extra_body = R"({"safe":true})";
  own.cached_input_tokens_field = "warm";
  own.finish_reasons = {{"fin", FinishMeaning::kStop}, {"no", FinishMeaning::kRefusal}};
  config_.custom_profile = own;
  query_.top_logprobs = 2;
  const http::Request request = provider_.BuildRequest(config_, query_).value();
  EXPECT_EQ(request.url, "http://host/v1/v2/chat");
  EXPECT_EQ(json::parse(request.body), json::parse(R"({"model":"m","temperature":1.0,"limit":256,
      "messages":[{"role":"user","content":"u"}],"rng":7,"logprobs":2,"safe":true})"));
  const auto output = std::get<cache::SoftOutput>(Parse(
      R"({"choices":[{"message":{"content":"x"},"finish_reason":"fin"}],"usage":{"warm":3}})"));
  EXPECT_EQ(output.finish_reason, cache::FinishReason::kStop);
  EXPECT_EQ(output.usage.cached_input_tokens, 3u);
  EXPECT_EQ(std::get<cache::SoftOutput>(
                Parse(R"({"choices":[{"message":{"content":"x"},"finish_reason":"no"}]})"))
                .finish_reason,
            cache::FinishReason::kRefusal);
  query_.response_schema = "{}";
  EXPECT_FALSE(provider_.BuildRequest(config_, query_).ok());
}

TEST_F(CompatibleProviderTest, FaultyProfilesAreNamed) {
  EXPECT_EQ(provider_.CheckConfig(config_).at(0).field, "profile");
  config_.profile = "nohost";
  EXPECT_TRUE(absl::StrContains(provider_.CheckConfig(config_).at(0).description,
                                "deepseek, fireworks, groq, mistral, openrouter, together"));
  config_.profile.clear();
  config_.custom_profile = CompatibleProfile();
  EXPECT_TRUE(provider_.CheckConfig(config_).empty());
  for (const std::string& extra : {std::string("["), std::string("3"), std::string(200'000, '[')}) {
    config_.custom_profile->extra_body = extra;
    EXPECT_EQ(provider_.CheckConfig(config_).at(0).field, "custom_profile.extra_body");
  }
}

}  // namespace
}  // namespace limbeck::gateway
