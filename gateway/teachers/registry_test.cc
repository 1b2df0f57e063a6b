#include "gateway/teachers/registry.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_replace.h"
#include "absl/time/clock.h"
#include "cache/records/record_codec.h"
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
  if (can.seed) {
    EXPECT_TRUE(changes([](TeacherQuery* q) { q->sampling.seed = 3; }));
  }
  if (can.logprobs) {
    EXPECT_TRUE(changes([](TeacherQuery* q) { q->top_logprobs = 3; }));
  }
  if (can.schema) {
    EXPECT_TRUE(changes([](TeacherQuery* q) { q->response_schema = "{}"; }));
  }
}

// One answer of OpenAI's chat, or legacy completions', whole and streamed.
struct AnswerForms {
  std::string whole;
  std::string stream;
};

AnswerForms FormsOf(std::string_view kind) {
  const std::string usage = R"("usage":{"prompt_tokens":9,"completion_tokens":2})";
  const std::string end =
      "data: {\"choices\":[]," + usage + "}\n\n: keep-alive\n\ndata: [DONE]\n\n";
  if (kind == "openai_completions") {
    const std::string lists = R"("logprobs":{"tokens":["a","b"],"token_logprobs":[-1,-2],
        "top_logprobs":[{"a":-1,"c":-3},{"b":-2}]})";
    const std::string first =
        R"("logprobs":{"tokens":["a"],"token_logprobs":[-1],"top_logprobs":[{"a":-1,"c":-3}]})";
    const std::string second =
        R"("logprobs":{"tokens":["b"],"token_logprobs":[-2],"top_logprobs":[{"b":-2}]})";
    return {R"({"choices":[{"text":"ab","finish_reason":"stop",)" + lists + "}]," + usage + "}",
            R"(data: {"choices":[{"text":"a",)" + first + "}]}\n\n" +
                R"(data: {"choices":[{"text":"b","finish_reason":"stop",)" + second + "}]}\n\n" +
                end};
  }
  const std::string a = R"({"token":"a","bytes":[97],"logprob":-1,"top_logprobs":[
      {"token":"a","bytes":[97],"logprob":-1},{"token":"c","bytes":[99],"logprob":-3}]})";
  const std::string a_line = absl::StrReplaceAll(a, {{"\n", " "}});
  const std::string b = R"({"token":"b","bytes":[98],"logprob":-2,"top_logprobs":[]})";
  return {R"({"choices":[{"message":{"content":"ab"},"finish_reason":"stop",)"
          R"("logprobs":{"content":[)" +
              a + "," + b + "]}}]," + usage + "}",
          R"(data: {"choices":[{"delta":{"content":"a"},"logprobs":{"content":[)" + a_line +
              "]}}]}\n\n" + R"(data: {"choices":[{"delta":{"content":"b"},"logprobs":)" +
              R"({"content":[)" + b + R"(]},"finish_reason":"stop"}]})" + "\n\n" + end};
}

class StreamConformanceTest : public ProviderConformanceTest {};

TEST_P(StreamConformanceTest, StreamedAndWholeAnswersAreOne) {
  const AnswerForms forms = FormsOf(GetParam());
  query_.top_logprobs = 2;
  const auto whole = std::get<cache::SoftOutput>(Parse(200, forms.whole));
  config_.stream = true;
  const auto streamed = std::get<cache::SoftOutput>(Parse(200, forms.stream));
  EXPECT_EQ(cache::EncodeRecord(streamed), cache::EncodeRecord(whole));
  EXPECT_EQ(whole.text, "ab");
  EXPECT_EQ(whole.support, cache::Support::kTopK);
  EXPECT_EQ(whole.usage.output_tokens, 2u);
  // A server that does not stream although it was asked to is understood too.
  EXPECT_EQ(cache::EncodeRecord(std::get<cache::SoftOutput>(Parse(200, forms.whole))),
            cache::EncodeRecord(whole));
}

TEST_P(StreamConformanceTest, AStreamIsAskedForOnlyOnDemand) {
  EXPECT_FALSE(absl::StrContains(provider().BuildRequest(config_, query_)->body, "stream"));
  config_.stream = true;
  EXPECT_TRUE(absl::StrContains(provider().BuildRequest(config_, query_)->body, "\"stream\":true"));
}

TEST_P(StreamConformanceTest, CutStreamsMayHaveBeenBilled) {
  const std::string stream = FormsOf(GetParam()).stream;
  for (size_t length = 0; length + 2 < stream.size(); ++length) {
    const ParseResult result = Parse(200, stream.substr(0, length));
    ASSERT_TRUE(std::holds_alternative<Failure>(result)) << length;
    EXPECT_TRUE(std::get<Failure>(result).may_have_been_billed) << length;
  }
}

INSTANTIATE_TEST_SUITE_P(OpenAiShaped, StreamConformanceTest,
                         ::testing::Values("azure", "openai", "openai_compatible",
                                           "openai_completions", "vllm"),
                         [](const auto& info) { return std::string(info.param); });

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
