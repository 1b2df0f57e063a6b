#include "gateway/teachers/anthropic/anthropic_provider.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace limbeck::gateway {
namespace {

using nlohmann::json;

class AnthropicProviderTest : public ::testing::Test {
 protected:
  AnthropicProviderTest() {
    config_.name = "t";
    config_.kind = "anthropic";
    config_.base_url = "http://host/v1";
    config_.model = "m";
    query_.messages = {{Role::kSystem, "s1"}, {Role::kSystem, "s2"}, {Role::kUser, "u"}};
  }

  ParseResult Parse(const std::string& body, int status = 200) {
    http::Response response;
    response.status_code = status;
    response.headers = {{"request-id", "req-1"}};
    response.body = body;
    return provider_.ParseResponse(config_, query_, response, absl::FromUnixSeconds(1));
  }

  AnthropicProvider provider_;
  TeacherConfig config_;
  TeacherQuery query_;
};

TEST_F(AnthropicProviderTest, SystemTurnsMoveToTheirOwnField) {
  const http::Request request = provider_.BuildRequest(config_, query_).value();
  EXPECT_EQ(request.url, "http://host/v1/messages");
  EXPECT_EQ(json::parse(request.body),
            json::parse(R"({"model":"m","max_tokens":256,"temperature":1.0,"system":"s1\n\ns2",
                            "messages":[{"role":"user","content":"u"}]})"));
}

TEST_F(AnthropicProviderTest, RefusesWhatTheProviderDoesNotHave) {
  query_.top_logprobs = 1;
  EXPECT_FALSE(provider_.BuildRequest(config_, query_).ok());
  query_.top_logprobs = 0;
  query_.sampling.seed = 1;
  EXPECT_FALSE(provider_.BuildRequest(config_, query_).ok());
  query_.sampling.seed.reset();
  query_.sampling.temperature = 1.5;
  EXPECT_FALSE(provider_.BuildRequest(config_, query_).ok());
}

TEST_F(AnthropicProviderTest, LongAnswersAreStreamed) {
  const auto streams = [this] {
    return json::parse(provider_.BuildRequest(config_, query_)->body).value("stream", false);
  };
  query_.sampling.max_tokens = 21'333;
  EXPECT_FALSE(streams());
  query_.sampling.max_tokens = 21'334;
  EXPECT_TRUE(streams());
  query_.sampling.max_tokens = 10;
  config_.stream = true;
  EXPECT_TRUE(streams());
}

TEST_F(AnthropicProviderTest, ResetsAreTimesOfDay) {
  http::Response response;
  response.status_code = 429;
  response.headers = {{"anthropic-ratelimit-requests-remaining", "0"},
                      {"anthropic-ratelimit-requests-reset", "2026-02-25T20:02:37Z"},
                      {"anthropic-ratelimit-output-tokens-remaining", "12"}};
  absl::Time now;
  std::string error;
  ASSERT_TRUE(absl::ParseTime(absl::RFC3339_full, "2026-02-25T20:02:00Z", &now, &error));
  const QuotaHints hints = provider_.ParseHints(response, now);
  EXPECT_EQ(hints.remaining_requests, 0);
  EXPECT_EQ(hints.reset_requests, absl::Seconds(37));
  EXPECT_EQ(hints.remaining_output_tokens, 12);
}

TEST_F(AnthropicProviderTest, ReadsTextAndTheWholeInputCount) {
  const auto output = std::get<cache::SoftOutput>(Parse(
      R"({"model":"m-1","stop_reason":"end_turn","content":[{"type":"text","text":"ye"},
          {"type":"thinking","thinking":"no"},{"type":"text","text":"s"}],
          "usage":{"input_tokens":5,"cache_creation_input_tokens":2,"cache_read_input_tokens":3,
                   "output_tokens":1}})"));
  EXPECT_EQ(output.text, "yes");
  EXPECT_EQ(output.support, cache::Support::kTextOnly);
  EXPECT_EQ(output.finish_reason, cache::FinishReason::kStop);
  EXPECT_EQ(output.usage.input_tokens, 10u);
  EXPECT_EQ(output.usage.cached_input_tokens, 3u);
  EXPECT_EQ(output.provenance.request_id, "req-1");
}

TEST_F(AnthropicProviderTest, RefusalsAreAnswersAndCompetitionNoticesStopTheTeacher) {
  EXPECT_EQ(
      std::get<cache::SoftOutput>(Parse(R"({"content":[],"stop_reason":"refusal"})")).finish_reason,
      cache::FinishReason::kRefusal);
  EXPECT_EQ(std::get<Failure>(Parse(R"({"content":[],"stop_reason":"refusal",
                                        "stop_details":{"category":"frontier_llm"}})"))
                .cls,
            FailureClass::kStopTeacher);
}

TEST_F(AnthropicProviderTest, ErrorsAreClassified) {
  const std::string overloaded =
      R"({"type":"error","error":{"type":"overloaded_error","message":"m"}})";
  EXPECT_EQ(std::get<Failure>(Parse(overloaded, 529)).cls, FailureClass::kRetryable);
  EXPECT_EQ(std::get<Failure>(Parse(overloaded, 200)).cls, FailureClass::kRetryable);
  EXPECT_EQ(std::get<Failure>(
                Parse(R"({"type":"error","error":{"type":"billing_error","message":"m"}})", 402))
                .cls,
            FailureClass::kStopTeacher);
}

TEST_F(AnthropicProviderTest, EveryTruncationIsAFailure) {
  const std::string whole =
      R"({"model":"m","stop_reason":"end_turn","content":[{"type":"text","text":"yes"}]})";
  for (size_t length = 0; length < whole.size(); ++length) {
    EXPECT_TRUE(std::holds_alternative<Failure>(Parse(whole.substr(0, length)))) << length;
  }
}

}  // namespace
}  // namespace limbeck::gateway
