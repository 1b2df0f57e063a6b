#include "gateway/teachers/registry.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/time/clock.h"
#include "gateway/teachers/canonical.h"

namespace limbeck::gateway {
namespace {

// What every provider kind must keep; runs for each kind on the list.
class ProviderConformanceTest : public ::testing::TestWithParam<std::string_view> {
 protected:
  void SetUp() override {
    config_.name = "t";
    config_.kind = std::string(GetParam());
    config_.base_url = "https://host.example/v1/";
    config_.model = "m";
    config_.api_key = Secret("sk-very-secret-1234");
    // Hosts differ by profile; this one gives the most.
    if (config_.kind == "openai_compatible") config_.profile = "deepseek";
    query_.messages = {{Role::kSystem, "s"}, {Role::kUser, "caf\xc3\xa9"}};
  }

  const Provider& provider() { return **FindProvider(GetParam()); }

  ParseResult Parse(int status, const std::string& body) {
    http::Response response;
    response.status_code = status;
    response.body = body;
    return provider().ParseResponse(config_, query_, response, absl::FromUnixSeconds(1));
  }

  bool Builds(const TeacherQuery& query) { return provider().BuildRequest(config_, query).ok(); }

  TeacherConfig config_;
  TeacherQuery query_;
};

TEST_P(ProviderConformanceTest, BuildsARequestWithItsLimitsAndKey) {
  config_.timeouts.total = absl::Seconds(7);
  const http::Request request = provider().BuildRequest(config_, query_).value();
  EXPECT_EQ(request.total_timeout, absl::Seconds(7));
  EXPECT_TRUE(absl::StartsWith(request.url, "https://host.example/v1/"));
  int keys = 0;
  for (const http::Header& header : request.headers) {
    keys += absl::StrContains(header.value, "sk-very-secret-1234");
  }
  EXPECT_EQ(keys, 1);
  EXPECT_FALSE(absl::StrContains(request.body, "sk-very-secret-1234"));
}

TEST_P(ProviderConformanceTest, SendsNoKeyWhereThereIsNone) {
  config_.api_key = Secret();
  const http::Request request = provider().BuildRequest(config_, query_).value();
  for (const http::Header& header : request.headers) {
    EXPECT_NE(header.name, "Authorization");
    EXPECT_NE(header.name, "x-api-key");
    EXPECT_NE(header.name, "api-key");
    EXPECT_NE(header.name, "x-goog-api-key");
  }
}

TEST_P(ProviderConformanceTest, RefusesTextThatIsNotUtf8AndSchemasThatAreNotJson) {
  query_.messages[1].content = "\xff\xfe";
  EXPECT_EQ(provider().BuildRequest(config_, query_).status().code(),
            absl::StatusCode::kInvalidArgument);
  query_.messages[1].content = "x";
  query_.response_schema = "{";
  EXPECT_EQ(provider().BuildRequest(config_, query_).status().code(),
            absl::StatusCode::kInvalidArgument);
}

TEST_P(ProviderConformanceTest, ReadsNonsenseAsGarbledAndErrorsByStatus) {
  http::Response response;
  response.status_code = 200;
  for (const char* body : {"", " ", "null", "[]", "{}", "<html></html>", "\xff", "{\"choices\":[]}",
                           "{\"choices\":{}}", "{\"content\":3}"}) {
    response.body = body;
    const ParseResult result = provider().ParseResponse(config_, query_, response, absl::Now());
    ASSERT_TRUE(std::holds_alternative<Failure>(result)) << body;
    EXPECT_EQ(std::get<Failure>(result).cls, FailureClass::kGarbled) << body;
    EXPECT_TRUE(std::get<Failure>(result).may_have_been_billed);
  }
  response.status_code = 503;
  EXPECT_EQ(std::get<Failure>(provider().ParseResponse(config_, query_, response, absl::Now())).cls,
            FailureClass::kRetryable);
}

TEST_P(ProviderConformanceTest, DoesWhatItSaysItCanAndRefusesTheRest) {
  const Capabilities can = provider().CapabilitiesFor(config_);
  config_.max_top_logprobs = 100'000;
  EXPECT_EQ(can.logprobs, can.max_top_logprobs > 0);
  EXPECT_LE(can.usual_top_logprobs, std::max(can.max_top_logprobs, 20u));
  TeacherQuery query = query_;
  query.top_logprobs = can.max_top_logprobs;
  EXPECT_TRUE(Builds(query));
  query.top_logprobs = can.max_top_logprobs + 1;
  EXPECT_FALSE(Builds(query));
  query = query_;
  query.sampling.seed = 1;
  EXPECT_EQ(Builds(query), can.seed);
  query = query_;
  query.response_schema = R"({"type":"object"})";
  EXPECT_EQ(Builds(query), can.schema);
  query = query_;
  query.choices = {"yes", "no"};
  EXPECT_EQ(Builds(query), can.choices);
  query = query_;
  query.continuation = "yes";
  EXPECT_EQ(Builds(query), can.continuation_scoring);
}

TEST_P(ProviderConformanceTest, EveryQueryFieldThatItTakesIsSent) {
  const Capabilities can = provider().CapabilitiesFor(config_);
  const std::string plain = provider().BuildRequest(config_, query_)->body;
  const auto changes = [&](auto change) {
    TeacherQuery query = query_;
    change(&query);
    return provider().BuildRequest(config_, query)->body != plain;
  };
  EXPECT_TRUE(changes([](TeacherQuery* q) { q->sampling.temperature = 0.25; }));
  EXPECT_TRUE(changes([](TeacherQuery* q) { q->sampling.top_p = 0.5; }));
  EXPECT_TRUE(changes([](TeacherQuery* q) { q->sampling.max_tokens = 3; }));
  EXPECT_TRUE(changes([](TeacherQuery* q) { q->sampling.stop = {"x"}; }));
  EXPECT_TRUE(changes([](TeacherQuery* q) { q->messages[1].content = "x"; }));
  if (can.seed) EXPECT_TRUE(changes([](TeacherQuery* q) { q->sampling.seed = 3; }));
  if (can.logprobs) EXPECT_TRUE(changes([](TeacherQuery* q) { q->top_logprobs = 3; }));
  if (can.schema) EXPECT_TRUE(changes([](TeacherQuery* q) { q->response_schema = "{}"; }));
}

TEST_P(ProviderConformanceTest, HostileBodiesAreFailures) {
  const std::string deep = std::string(100'000, '[');
  std::string objects;
  for (int i = 0; i < 100'000; ++i) objects += R"({"error":)";
  const std::vector<std::string> bodies = {
      deep,
      deep + std::string(100'000, ']'),
      objects,
      objects + "1" + std::string(100'000, '}'),
      R"({"choices":[{"message":{"content":"x"},"logprobs":)" + deep,
      R"({"choices":[{"message":)" + deep + std::string(100'000, ']') + "}]}",
      "{\"error\":" + deep + std::string(100'000, ']') + "}",
      "data: " + deep + "\n\n",
      "data: {\"choices\":3}\n\ndata: [DONE]\n\n",
      "event: error\n\n",
      std::string(5'000'000, ':'),
      std::string(100'000, '\n'),
      "data: " + std::string(5'000'000, 'x'),
      std::string("\0\0\0", 3),
      R"({"choices":[null],"content":[null],"candidates":[null],"usage":{"prompt_tokens":1e400}})"};
  for (const int status : {200, 400, 429, 500}) {
    for (const std::string& body : bodies) {
      EXPECT_TRUE(std::holds_alternative<Failure>(Parse(status, body)))
          << status << " " << body.substr(0, 60);
    }
  }
}

TEST_P(ProviderConformanceTest, DeepSchemasAreRefused) {
  query_.response_schema = std::string(100'000, '[') + std::string(100'000, ']');
  EXPECT_FALSE(Builds(query_));
}

TEST_P(ProviderConformanceTest, HintsOfAnEmptyAnswerSayNothing) {
  const QuotaHints hints = provider().HintsFor(config_, http::Response(), absl::UnixEpoch());
  EXPECT_FALSE(hints.retry_after.has_value());
  EXPECT_FALSE(hints.remaining_requests.has_value());
}

INSTANTIATE_TEST_SUITE_P(All, ProviderConformanceTest, ::testing::ValuesIn(ProviderKinds()),
                         [](const auto& info) { return std::string(info.param); });

TEST(RegistryTest, KindsAreInAlphabeticalOrder) {
  const std::vector<std::string_view> kinds = ProviderKinds();
  EXPECT_TRUE(std::is_sorted(kinds.begin(), kinds.end()));
}

TEST(RegistryTest, UnknownKindsAreNamedWithTheKnownOnes) {
  const absl::Status status = FindProvider("clippy").status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_TRUE(absl::StrContains(status.message(), "anthropic, azure"));
}

}  // namespace
}  // namespace limbeck::gateway
