#include "gateway/teachers/azure/azure_provider.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace limbeck::gateway {
namespace {

using nlohmann::json;

class AzureProviderTest : public ::testing::Test {
 protected:
  AzureProviderTest() {
    config_.name = "t";
    config_.kind = "azure";
    config_.base_url = "https://res.openai.azure.com";
    config_.model = "gpt";
    config_.api_key = Secret("k");
    query_.messages = {{Role::kUser, "u"}};
  }

  http::Request Build() { return provider_.BuildRequest(config_, query_).value(); }

  ParseResult Parse(const std::string& body, int status, std::vector<http::Header> headers = {}) {
    http::Response response;
    response.status_code = status;
    response.body = body;
    response.headers = std::move(headers);
    return provider_.ParseResponse(config_, query_, response, absl::FromUnixSeconds(1));
  }

  AzureProvider provider_;
  TeacherConfig config_;
  TeacherQuery query_;
};

TEST_F(AzureProviderTest, DatedVersionsNameTheDeploymentInThePath) {
  config_.deployment = "mine";
  config_.api_version = "2024-10-21";
  const http::Request request = Build();
  EXPECT_EQ(request.url,
            "https://res.openai.azure.com/openai/deployments/mine/chat/completions"
            "?api-version=2024-10-21");
  EXPECT_EQ(request.headers.back().name, "api-key");
  EXPECT_EQ(request.headers.back().value, "k");
}

TEST_F(AzureProviderTest, WithoutAVersionTheDeploymentIsTheModel) {
  EXPECT_EQ(Build().url, "https://res.openai.azure.com/openai/v1/chat/completions");
  EXPECT_EQ(json::parse(Build().body)["model"], "gpt");
  config_.deployment = "mine";
  config_.base_url = "https://res.openai.azure.com/openai/v1";
  EXPECT_EQ(Build().url, "https://res.openai.azure.com/openai/v1/chat/completions");
  EXPECT_EQ(json::parse(Build().body)["model"], "mine");
}

TEST_F(AzureProviderTest, EntraTokensGoAsBearers) {
  config_.bearer_key = true;
  EXPECT_EQ(Build().headers.back().name, "Authorization");
  EXPECT_EQ(Build().headers.back().value, "Bearer k");
}

TEST_F(AzureProviderTest, NamesCannotChangeTheUrl) {
  config_.deployment = "a/b?x";
  config_.api_version = "1&y=2";
  EXPECT_EQ(provider_.CheckConfig(config_).size(), 2u);
  EXPECT_FALSE(provider_.BuildRequest(config_, query_).ok());
}

TEST_F(AzureProviderTest, FilteredPromptsAreRefusals) {
  const auto failure = std::get<Failure>(Parse(
      R"({"error":{"code":"content_filter","param":"prompt","status":400,"message":"m",
          "innererror":{"code":"ResponsibleAIPolicyViolation","content_filter_result":
            {"hate":{"filtered":true,"severity":"high"}}}}})",
      400));
  EXPECT_EQ(failure.cls, FailureClass::kRefused);
  EXPECT_FALSE(failure.may_have_been_billed);
  EXPECT_EQ(std::get<Failure>(Parse(R"({"error":{"code":null,"innererror":{"code":
                          "ResponsibleAIPolicyViolation"}}})",
                                    400))
                .cls,
            FailureClass::kRefused);
}

TEST_F(AzureProviderTest, FilteredAnswersAreAnswers) {
  const auto output = std::get<cache::SoftOutput>(
      Parse(R"({"choices":[{"finish_reason":"content_filter","message":{"role":"assistant"},
                "content_filter_results":{"violence":{"filtered":true,"severity":"medium"}}}]})",
            200));
  EXPECT_EQ(output.finish_reason, cache::FinishReason::kFilter);
  EXPECT_EQ(output.text, "");
}

TEST_F(AzureProviderTest, AFilterThatDidNotRunDoesNotSpoilTheAnswer) {
  const auto output = std::get<cache::SoftOutput>(
      Parse(R"({"choices":[{"finish_reason":"stop","message":{"content":"x"},
                "content_filter_results":{"error":{"code":"content_filter_error",
                  "message":"The contents are not filtered"}}}]})",
            200));
  EXPECT_EQ(output.text, "x");
  EXPECT_EQ(output.finish_reason, cache::FinishReason::kStop);
}

TEST_F(AzureProviderTest, DayLongWaitsAreReadFromTheMessageAndParkThePool) {
  const std::string body =
      R"({"error":{"code":"429","message":"Requests exceeded. Please retry after 86400 seconds."}})";
  const auto failure = std::get<Failure>(Parse(body, 429));
  EXPECT_EQ(failure.cls, FailureClass::kRateLimited);
  EXPECT_EQ(failure.wait_hint, absl::Hours(24));
  http::Response response;
  response.status_code = 429;
  response.body = body;
  EXPECT_EQ(provider_.ParseHints(response, absl::UnixEpoch()).retry_after, absl::Hours(24));
}

TEST_F(AzureProviderTest, TheMisspeltHeaderIsAWait) {
  const auto failure = std::get<Failure>(Parse(R"({"error":{"code":"429","message":"m"}})", 429,
                                               {{"x-rate-limit-reset-tokens", "55"}}));
  EXPECT_EQ(failure.wait_hint, absl::Seconds(55));
}

}  // namespace
}  // namespace limbeck::gateway
