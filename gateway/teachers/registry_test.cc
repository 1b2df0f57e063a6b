#include "gateway/teachers/registry.h"

#include <gtest/gtest.h>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
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
    query_.messages = {{Role::kSystem, "s"}, {Role::kUser, "caf\xc3\xa9"}};
  }

  const Provider& provider() { return **FindProvider(GetParam()); }

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

TEST_P(ProviderConformanceTest, AnswersNestedAsDeepAsTheyLikeAreFailures) {
  constexpr size_t kDepth = 200'000;
  for (const char* field : {"error", "choices", "candidates", "content", "message"}) {
    http::Response response;
    response.body =
        absl::StrCat("{\"", field, "\":", std::string(kDepth, '['), std::string(kDepth, ']'), "}");
    for (const int status : {200, 400}) {
      response.status_code = status;
      EXPECT_TRUE(std::holds_alternative<Failure>(
          provider().ParseResponse(config_, query_, response, absl::Now())))
          << field << " " << status;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(All, ProviderConformanceTest, ::testing::ValuesIn(ProviderKinds()),
                         [](const auto& info) { return std::string(info.param); });

TEST(RegistryTest, UnknownKindsAreNamedWithTheKnownOnes) {
  const absl::Status status = FindProvider("clippy").status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_TRUE(absl::StrContains(status.message(), "anthropic, "));
  EXPECT_TRUE(absl::StrContains(status.message(), "gemini, llamacpp, ollama, "));
}

}  // namespace
}  // namespace limbeck::gateway
