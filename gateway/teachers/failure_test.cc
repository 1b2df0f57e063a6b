#include "gateway/teachers/failure.h"

#include <gtest/gtest.h>

#include <initializer_list>
#include <utility>

namespace limbeck::gateway {
namespace {

const absl::Time kNow = absl::FromUnixSeconds(1'700'000'000);

Failure Classify(int status, const std::string& body, std::vector<http::Header> headers = {}) {
  http::Response response;
  response.status_code = status;
  response.body = body;
  response.headers = std::move(headers);
  return ClassifyError(response, ParseErrorBody(body), kNow);
}

TEST(FailureTest, StatusCodesFallIntoTheirClasses) {
  for (const int status : {408, 409, 500, 502, 503, 504, 529}) {
    EXPECT_EQ(Classify(status, "").cls, FailureClass::kRetryable) << status;
  }
  EXPECT_EQ(Classify(429, "").cls, FailureClass::kRateLimited);
  for (const int status : {400, 413, 422}) {
    EXPECT_EQ(Classify(status, "").cls, FailureClass::kBadRequest) << status;
  }
  for (const int status : {401, 402, 403, 404}) {
    EXPECT_EQ(Classify(status, "").cls, FailureClass::kStopTeacher) << status;
  }
}

TEST(FailureTest, OnlyServedErrorsMayHaveBeenBilled) {
  for (const int status : {500, 502, 504}) {
    EXPECT_TRUE(Classify(status, "").may_have_been_billed) << status;
  }
  for (const int status : {400, 408, 409, 429, 503, 529}) {
    EXPECT_FALSE(Classify(status, "").may_have_been_billed) << status;
  }
}

TEST(FailureTest, BillingInA429StopsTheTeacher) {
  EXPECT_EQ(Classify(429, R"({"error":{"code":"insufficient_quota","type":"x"}})").cls,
            FailureClass::kStopTeacher);
  EXPECT_EQ(Classify(429, R"({"error":{"type":"rate_limit_error",
                              "details":{"error_code":"enforced_spend_limit_reached"}}})")
                .cls,
            FailureClass::kStopTeacher);
  EXPECT_EQ(Classify(429, R"({"error":{"code":"slow_down"}})").cls, FailureClass::kRateLimited);
}

TEST(FailureTest, A402WithRetryAfterIsAWait) {
  const Failure failure = Classify(402, "", {{"Retry-After", "3"}});
  EXPECT_EQ(failure.cls, FailureClass::kRateLimited);
  EXPECT_EQ(failure.wait_hint, absl::Seconds(3));
}

TEST(FailureTest, TheProvidersOwnVerdictOverridesTheStatus) {
  EXPECT_EQ(Classify(500, "", {{"x-should-retry", "false"}}).cls, FailureClass::kBadRequest);
  EXPECT_EQ(Classify(400, "", {{"x-should-retry", "true"}}).cls, FailureClass::kRetryable);
}

TEST(FailureTest, PromptFiltersRefuseTheRow) {
  EXPECT_EQ(
      Classify(400, R"({"error":{"code":"content_filter","param":"prompt","status":400}})").cls,
      FailureClass::kRefused);
}

TEST(FailureTest, EveryErrorShapeIsRead) {
  EXPECT_EQ(ParseErrorBody(R"({"error":{"code":400,"message":"m","type":"t"}})").code, "400");
  EXPECT_EQ(ParseErrorBody(R"({"error":{"code":"429","message":"m"}})").code, "429");
  EXPECT_EQ(ParseErrorBody(R"({"error":{"code":null,"message":"m","type":"t"}})").type, "t");
  EXPECT_EQ(ParseErrorBody(R"([{"error":{"code":429,"message":"m"}}])").message, "m");
  EXPECT_EQ(ParseErrorBody(R"({"error":"text"})").message, "text");
  EXPECT_EQ(ParseErrorBody(R"({"object":"error","message":"flat","type":"t"})").message, "flat");
  for (const char* body : {"", "<html>", "[]", "3", "{}", R"({"error":null})", R"({"error":[]})"}) {
    EXPECT_FALSE(ParseErrorBody(body).present) << body;
  }
}

TEST(FailureTest, WhatSomeHostsSayOtherwiseIsRead) {
  EXPECT_EQ(ParseErrorBody(R"({"detail":"Unauthorized"})").message, "Unauthorized");
  EXPECT_EQ(ParseErrorBody("\n: busy\n\n{\"error\":\"m\"}").message, "m");
  EXPECT_EQ(Classify(403, R"({"error":{"code":403,"metadata":{"reasons":["x"]}}})").cls,
            FailureClass::kRefused);
  EXPECT_EQ(Classify(400, R"({"error":{"code":null,
                              "innererror":{"code":"ResponsibleAIPolicyViolation"}}})")
                .cls,
            FailureClass::kRefused);
}

TEST(FailureTest, NestingCostsNoStack) {
  for (const char* piece : {"[", "{\"error\":", "[{\"error\":"}) {
    std::string body;
    while (body.size() < 60'000) body += piece;
    EXPECT_FALSE(ParseErrorBody(body).present);
  }
  const std::string deep = std::string(30'000, '[') + std::string(30'000, ']');
  EXPECT_FALSE(ParseErrorBody(deep).present);
  EXPECT_FALSE(ParseErrorBody("{\"error\":" + deep + "}").present);
  EXPECT_TRUE(ParseErrorBody("[{\"error\":{\"details\":" + deep + "}}]").present);
}

TEST(FailureTest, AnErrorInsideA200TakesTheStatusOfItsType) {
  EXPECT_EQ(Classify(200, R"({"error":{"type":"overloaded_error"}})").cls,
            FailureClass::kRetryable);
  EXPECT_EQ(Classify(200, R"({"error":{"code":429}})").cls, FailureClass::kRateLimited);
  EXPECT_TRUE(Classify(200, R"({"error":{"code":502}})").may_have_been_billed);
}

TEST(FailureTest, LongMessagesAreCut) {
  EXPECT_LE(Classify(500, std::string(100'000, 'x')).message.size(), 400u);
}

TEST(FailureTest, DeliveryDecidesAmbiguity) {
  http::Outcome outcome;
  outcome.status = absl::UnavailableError("refused");
  outcome.delivery = http::Delivery::kNotSent;
  EXPECT_FALSE(ClassifyDelivery(outcome).may_have_been_billed);
  outcome.delivery = http::Delivery::kUnknown;
  EXPECT_TRUE(ClassifyDelivery(outcome).may_have_been_billed);
  EXPECT_EQ(ClassifyDelivery(outcome).reason, "ANSWER_LOST");
  outcome.status = absl::ResourceExhaustedError("too large");
  EXPECT_EQ(ClassifyDelivery(outcome).cls, FailureClass::kGarbled);
  outcome.status = absl::CancelledError("");
  EXPECT_EQ(ClassifyDelivery(outcome).cls, FailureClass::kCancelled);
}

TEST(FailureTest, Case24ABodyCutWithoutItsFinalChunkMayHaveBeenBilled) {
  http::Outcome cut;
  cut.delivery = http::Delivery::kUnknown;
  cut.status = absl::UnavailableError("transfer closed with outstanding read data remaining");
  const Failure failure = ClassifyDelivery(cut);
  EXPECT_EQ(failure.cls, FailureClass::kRetryable);
  EXPECT_EQ(failure.reason, "ANSWER_LOST");
  EXPECT_TRUE(failure.may_have_been_billed);
}

TEST(FailureTest, AModelThatRefusesLogprobsIsNoReasonToStop) {
  http::Response response;
  response.status_code = 403;
  response.body =
      R"({"error":{"message":"You are not allowed to request logprobs from this model"}})";
  EXPECT_EQ(ClassifyError(response, ParseErrorBody(response.body), absl::UnixEpoch()).cls,
            FailureClass::kBadRequest);
  response.body = R"({"error":{"message":"You are not allowed here"}})";
  EXPECT_EQ(ClassifyError(response, ParseErrorBody(response.body), absl::UnixEpoch()).cls,
            FailureClass::kStopTeacher);
}

TEST(FailureTest, ANoticeOfCompetitionStopsTheTeacherWhoeverPassesItOn) {
  http::Response response;
  for (const auto& [status, body] : std::initializer_list<std::pair<int, const char*>>{
           {400, R"({"error":{"type":"frontier_llm","message":"m"}})"},
           {403, R"({"error":{"code":"frontier_llm","message":"m"}})"},
           {200,
            R"({"error":{"code":502,"message":"m","stop_details":{"category":"frontier_llm"}}})"},
           {403, R"({"error":{"code":403,"message":"m",
                     "metadata":{"raw":"{\"category\":\"frontier_llm\"}"}}})"}}) {
    response.status_code = status;
    response.body = body;
    const Failure failure =
        ClassifyError(response, ParseErrorBody(response.body), absl::UnixEpoch());
    EXPECT_EQ(failure.cls, FailureClass::kStopTeacher) << body;
    EXPECT_EQ(failure.reason, "PROVIDER_FLAGGED_USE") << body;
    EXPECT_NE(failure.message.find("settled it with the provider: m"), std::string::npos);
  }
}

}  // namespace
}  // namespace limbeck::gateway
