#include "gateway/teachers/gemini/gemini_provider.h"

#include <gtest/gtest.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "gateway/teachers/canonical.h"

namespace limbeck::gateway {
namespace {

using nlohmann::json;

constexpr const char* kVertexUrl =
    "https://us-central1-aiplatform.googleapis.com/v1beta1/projects/p/locations/us-central1/"
    "publishers/google";

class FixedToken : public AccessToken {
 public:
  explicit FixedToken(absl::StatusOr<Secret> token) : token_(std::move(token)) {}
  absl::StatusOr<Secret> Current() override { return token_; }

 private:
  const absl::StatusOr<Secret> token_;
};

class GeminiProviderTest : public ::testing::Test {
 protected:
  GeminiProviderTest() {
    config_.name = "t";
    config_.base_url = "http://host/v1beta";
    config_.model = "gemini-2.0-flash";
    config_.api_key = Secret("key-of-this-test");
    query_.messages = {{Role::kSystem, "s1"},
                       {Role::kSystem, "s2"},
                       {Role::kUser, "u"},
                       {Role::kAssistant, "a"},
                       {Role::kUser, "v"}};
  }

  json BodyOf() { return json::parse(gemini_.BuildRequest(config_, query_).value().body); }
  absl::Status Refusal() { return gemini_.BuildRequest(config_, query_).status(); }
  static std::string HeaderOf(const http::Request& request, const std::string& name) {
    for (const http::Header& header : request.headers) {
      if (header.name == name) return header.value;
    }
    return "";
  }

  const GeminiProvider gemini_{GeminiHost::kDeveloper};
  const GeminiProvider vertex_{GeminiHost::kVertex};
  TeacherConfig config_;
  TeacherQuery query_;
};

TEST_F(GeminiProviderTest, AsksTheModelsMethodWithTheKeyInItsHeader) {
  const http::Request request = gemini_.BuildRequest(config_, query_).value();
  EXPECT_EQ(request.url, "http://host/v1beta/models/gemini-2.0-flash:generateContent");
  EXPECT_EQ(HeaderOf(request, "x-goog-api-key"), "key-of-this-test");
  EXPECT_EQ(json::parse(request.body), json::parse(R"({
      "systemInstruction":{"parts":[{"text":"s1\n\ns2"}]},
      "contents":[{"role":"user","parts":[{"text":"u"}]},{"role":"model","parts":[{"text":"a"}]},
                  {"role":"user","parts":[{"text":"v"}]}],
      "generationConfig":{"temperature":1.0,"maxOutputTokens":256}})"));
  config_.stream = true;
  EXPECT_EQ(gemini_.BuildRequest(config_, query_)->url,
            "http://host/v1beta/models/gemini-2.0-flash:streamGenerateContent?alt=sse");
}

TEST_F(GeminiProviderTest, EveryParameterHasItsField) {
  query_.sampling = {.temperature = 0.5, .top_p = 0.9, .max_tokens = 3, .seed = 7, .stop = {"\n"}};
  query_.top_logprobs = 20;
  query_.response_schema = R"({"type":"OBJECT"})";
  config_.thinking_budget = 0;
  EXPECT_EQ(BodyOf()["generationConfig"], json::parse(R"({
      "temperature":0.5,"topP":0.9,"maxOutputTokens":3,"seed":7,"stopSequences":["\n"],
      "responseLogprobs":true,"logprobs":20,"responseMimeType":"application/json",
      "responseSchema":{"type":"OBJECT"},"thinkingConfig":{"thinkingBudget":0}})"));
}

TEST_F(GeminiProviderTest, ChoicesAreAnEnumeration) {
  query_.choices = {"yes", "no"};
  const json config = BodyOf()["generationConfig"];
  EXPECT_EQ(config["responseMimeType"], "text/x.enum");
  EXPECT_EQ(config["responseSchema"], json::parse(R"({"type":"STRING","enum":["yes","no"]})"));
  query_.response_schema = "{}";
  EXPECT_FALSE(Refusal().ok());
}

TEST_F(GeminiProviderTest, RefusesWhatTheProviderDoesNotTake) {
  query_.top_logprobs = 21;
  EXPECT_FALSE(Refusal().ok());
  query_.top_logprobs = 0;
  query_.sampling.seed = int64_t{1} << 31;
  EXPECT_FALSE(Refusal().ok());
  query_.sampling.seed.reset();
  query_.continuation = "x";
  EXPECT_FALSE(Refusal().ok());
  query_.continuation.clear();
  query_.messages = {{Role::kSystem, "s"}};
  EXPECT_FALSE(Refusal().ok());
}

TEST_F(GeminiProviderTest, TheModelCannotLeaveItsPlaceInThePath) {
  for (const char* model : {"a/b", "models/m", "m?x=1", "..%2f", "m:generateContent#"}) {
    config_.model = model;
    EXPECT_FALSE(Refusal().ok()) << model;
    EXPECT_EQ(gemini_.CheckConfig(config_).size(), 1u) << model;
  }
}

TEST_F(GeminiProviderTest, VertexIsAskedAtItsProjectWithABearer) {
  config_.base_url = kVertexUrl;
  EXPECT_TRUE(vertex_.CheckConfig(config_).empty());
  const http::Request request = vertex_.BuildRequest(config_, query_).value();
  EXPECT_EQ(request.url, std::string(kVertexUrl) + "/models/gemini-2.0-flash:generateContent");
  EXPECT_EQ(HeaderOf(request, "Authorization"), "Bearer key-of-this-test");
  EXPECT_EQ(HeaderOf(request, "x-goog-api-key"), "");
  config_.base_url = "https://aiplatform.googleapis.com/v1beta1";
  EXPECT_EQ(vertex_.CheckConfig(config_).at(0).field, "base_url");
}

TEST_F(GeminiProviderTest, VertexSendsTheTokenOfTheMomentAndNothingWithoutOne) {
  config_.access_token = std::make_shared<FixedToken>(Secret("token-of-the-moment"));
  EXPECT_EQ(HeaderOf(vertex_.BuildRequest(config_, query_).value(), "Authorization"),
            "Bearer token-of-the-moment");
  config_.access_token = std::make_shared<FixedToken>(absl::UnavailableError("later"));
  EXPECT_EQ(vertex_.BuildRequest(config_, query_).status().code(), absl::StatusCode::kUnavailable);
}

TEST_F(GeminiProviderTest, ARefusedTokenIsTriedAgainWhereItIsRenewedAndStopsTheTeacherElse) {
  http::Response response;
  response.status_code = 401;
  response.body = R"({"error":{"code":401,"message":"m","status":"UNAUTHENTICATED"}})";
  const auto cls = [&] {
    return std::get<Failure>(vertex_.ParseResponse(config_, query_, response, absl::UnixEpoch()))
        .cls;
  };
  EXPECT_EQ(cls(), FailureClass::kStopTeacher);
  config_.access_token = std::make_shared<FixedToken>(Secret("token-of-the-moment"));
  EXPECT_EQ(cls(), FailureClass::kRetryable);
}

TEST_F(GeminiProviderTest, ABrokenServiceAccountIsAFaultOfTheConfiguration) {
  config_.base_url = kVertexUrl;
  config_.service_account = Secret(R"({"type":"authorized_user"})");
  EXPECT_EQ(vertex_.CheckConfig(config_).at(0).field, "service_account");
}

TEST_F(GeminiProviderTest, TheThinkingBudgetIsPartOfTheCanonicalRequest) {
  const std::string plain = CanonicalRequest(config_, query_);
  config_.thinking_budget = 0;
  EXPECT_NE(CanonicalRequest(config_, query_), plain);
}

TEST_F(GeminiProviderTest, SeveralAnswersComeFromOneCall) {
  config_.stream = true;
  query_.samples = 2;
  const auto request = gemini_.BuildRequest(config_, query_);
  ASSERT_TRUE(request.ok()) << request.status();
  EXPECT_TRUE(request->url.ends_with(":generateContent"));
  EXPECT_EQ(json::parse(request->body)["generationConfig"]["candidateCount"], 2);
  http::Response response;
  response.status_code = 200;
  response.body = R"({"candidates":[
    {"index":0,"finishReason":"STOP","content":{"parts":[{"text":"yes"}]}},
    {"index":1,"finishReason":"STOP","content":{"parts":[{"text":"no"}]}}],
    "usageMetadata":{"promptTokenCount":5,"candidatesTokenCount":2}})";
  const auto further = gemini_.ParseFurther(config_, query_, response, absl::UnixEpoch());
  ASSERT_EQ(further.size(), 1u);
  EXPECT_EQ(further[0].text, "no");
  query_.samples = 9;
  EXPECT_FALSE(gemini_.BuildRequest(config_, query_).ok());
}

}  // namespace
}  // namespace limbeck::gateway
