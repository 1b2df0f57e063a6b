// The tricky cases of OpenAI-shaped answers, by their number in the wire reference. Cases of other
// shapes (2, 3 and parts of 4, 8 and 10) are tested with their kinds or with the pools that they
// park; 21 is found out by probes (gateway/probing); 25 is about batches.
#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gateway/teachers/openai/openai_provider.h"

namespace limbeck::gateway {
namespace {

const absl::Time kNow = absl::FromUnixSeconds(1'700'000'000);  // Tue, 14 Nov 2023 22:13:20 GMT

ParseResult Parse(int status, const std::string& body, std::vector<http::Header> headers = {}) {
  http::Response response;
  response.status_code = status;
  response.body = body;
  response.headers = std::move(headers);
  return OpenAiProvider().ParseResponse({}, {}, response, kNow);
}

cache::SoftOutput Output(const std::string& body) {
  ParseResult result = Parse(200, body);
  if (const auto* failure = std::get_if<Failure>(&result)) {
    ADD_FAILURE() << failure->reason << ": " << failure->message;
    return {};
  }
  return std::get<cache::SoftOutput>(std::move(result));
}

std::string NameOf(const auto& info) { return info.param.name; }

struct FailureCase {
  const char* name;
  int status;
  const char* body;
  FailureClass cls;
  std::vector<http::Header> headers = {};
  std::optional<absl::Duration> wait = {};
};

class TrickyFailureTest : public ::testing::TestWithParam<FailureCase> {};

TEST_P(TrickyFailureTest, IsClassified) {
  const FailureCase& the_case = GetParam();
  const ParseResult result = Parse(the_case.status, the_case.body, the_case.headers);
  ASSERT_TRUE(std::holds_alternative<Failure>(result));
  const auto& failure = std::get<Failure>(result);
  EXPECT_EQ(failure.cls, the_case.cls) << FailureClassName(failure.cls);
  EXPECT_EQ(failure.wait_hint, the_case.wait);
  EXPECT_FALSE(failure.reason.empty());
}

constexpr FailureClass kStop = FailureClass::kStopTeacher;
constexpr FailureClass kWait = FailureClass::kRateLimited;
constexpr FailureClass kRetry = FailureClass::kRetryable;
constexpr FailureClass kBad = FailureClass::kBadRequest;

const FailureCase kFailures[] = {
    {"Case01CreditBalance", 429, R"({"error":{"code":"credit_balance_exhausted"}})", kStop},
    {"Case01OrganizationSpend", 429, R"({"error":{"code":"organization_spend_limit_exceeded"}})",
     kStop},
    {"Case01ProjectSpend", 429, R"({"error":{"code":"project_spend_limit_exceeded"}})", kStop},
    {"Case01OrganizationUsage", 429, R"({"error":{"code":"organization_usage_limit_exceeded"}})",
     kStop},
    {"Case01QuotaByType", 429, R"({"error":{"type":"insufficient_quota","code":null}})", kStop},
    {"Case01QuotaByCode", 429, R"({"error":{"type":"x","code":"insufficient_quota"}})", kStop},
    {"Case01RateLimit", 429, R"({"error":{"code":"rate_limit_exceeded"}})", kWait},
    {"Case01SlowDown", 429, R"({"error":{"code":"slow_down"}})", kWait},
    {"Case02SpendLimitInDetails", 429,
     R"({"error":{"type":"rate_limit_error","details":{"error_code":"enforced_spend_limit_reached"}}})",
     kStop},
    {"Case04WaitInTheMessage",
     429,
     R"({"error":{"code":"429","message":"Please retry after 86400 seconds."}})",
     kWait,
     {},
     absl::Hours(24)},
    {"Case05MisspeltHeader",
     429,
     "",
     kWait,
     {{"x-rate-limit-reset-tokens", "55"}},
     absl::Seconds(55)},
    {"Case05MinusOne", 429, "", kWait, {{"x-rate-limit-reset-tokens", "-1"}}},
    {"Case05Zero", 429, "", kWait, {{"x-rate-limit-reset-tokens", "0"}}, absl::ZeroDuration()},
    {"Case06HttpDate",
     429,
     "",
     kWait,
     {{"Retry-After", "Tue, 14 Nov 2023 22:14:20 GMT"}},
     absl::Minutes(1)},
    {"Case06PastDate",
     429,
     "",
     kWait,
     {{"Retry-After", "Tue, 14 Nov 2023 22:00:00 GMT"}},
     absl::ZeroDuration()},
    {"Case06NotANumber", 503, "", kRetry, {{"Retry-After", "NaN"}}},
    {"Case06Huge", 503, "", kRetry, {{"Retry-After", "1e300"}}, absl::Hours(24)},
    {"Case07ErrorIn200", 200, R"({"error":{"code":502,"message":"m"},"choices":[]})", kRetry},
    {"Case07ErrorIn200BesideAChoice", 200,
     R"({"choices":[{"message":{"content":"x"}}],"error":{"code":429}})", kWait},
    {"Case08ErrorEvent", 200,
     "data: {\"choices\":[{\"delta\":{\"content\":\"x\"}}]}\n\nevent: error\n"
     "data: {\"error\":{\"type\":\"overloaded_error\"}}\n\n",
     kRetry},
    {"Case09BlankLinesBeforeAnError", 429, "\n\n: wait\n\n{\"error\":{\"code\":\"slow_down\"}}",
     kWait},
    {"Case10OneElementArray", 400, R"([{"error":{"code":400,"message":"m"}}])", kBad},
    {"Case10IntegerCode", 400, R"({"error":{"code":400,"message":"m"}})", kBad},
    {"Case10NumericString", 429, R"({"error":{"code":"429","message":"m"}})", kWait},
    {"Case10NullCode", 400, R"({"error":{"code":null,"message":"m","type":"t"}})", kBad},
    {"Case10Flat", 422, R"({"object":"error","message":"m","type":"t","code":1})", kBad},
    {"Case10FlatIn200", 200, R"({"object":"error","message":"m","code":503})", kRetry},
    {"Case10PlainString", 500, R"({"error":"out of memory"})", kRetry},
    {"Case10TypedString", 429, R"({"error":"busy","error_type":"overloaded"})", kWait},
    {"Case22BrokenOff", 200,
     R"({"choices":[{"message":{"content":"x"},"finish_reason":"insufficient_system_resource"}]})",
     kRetry},
    {"Case24CutStream", 200, "data: {\"choices\":[{\"delta\":{\"content\":\"x\"}}]}\n\n", kRetry},
};

INSTANTIATE_TEST_SUITE_P(All, TrickyFailureTest, ::testing::ValuesIn(kFailures),
                         [](const auto& info) { return NameOf(info); });

struct TokenCase {
  const char* name;
  const char* entry;  // Of logprobs.content.
  std::string bytes;
  bool lossy;
  std::optional<float> logprob;
  std::vector<std::string> candidates;
};

class TrickyTokenTest : public ::testing::TestWithParam<TokenCase> {};

TEST_P(TrickyTokenTest, IsReadForWhatItIs) {
  const TokenCase& the_case = GetParam();
  const cache::SoftOutput output = Output(
      absl::StrCat(R"({"choices":[{"message":{"content":"x"},"finish_reason":"stop","logprobs":
                       {"content":[{"token":"x","bytes":[120],"logprob":-1,"top_logprobs":[]},)",
                   the_case.entry, "]}}]}"));
  ASSERT_EQ(output.tokens.size(), 2u);
  const cache::Token& token = output.tokens[1];
  EXPECT_EQ(token.bytes, the_case.bytes);
  EXPECT_EQ(token.lossy, the_case.lossy);
  EXPECT_EQ(token.logprob, the_case.logprob);
  std::vector<std::string> candidates;
  for (const cache::Candidate& candidate : token.candidates) candidates.push_back(candidate.bytes);
  EXPECT_EQ(candidates, the_case.candidates);
}

const TokenCase kTokens[] = {
    {"Case11BytesWin", R"({"token":"\\xc3","bytes":[195],"logprob":-1})", "\xc3", false, -1.F, {}},
    {"Case11LoneSurrogate",
     R"({"token":"\ud83d","bytes":[240,159],"logprob":-1})",
     "\xf0\x9f",
     true,
     -1.F,
     {}},
    {"Case12ReplacedBytes",
     R"({"token":"\ufffd","bytes":[239,191,189],"logprob":-1})",
     "\xef\xbf\xbd",
     true,
     -1.F,
     {}},
    {"Case13Utf16Units",
     R"({"token":"a","bytes":[55357,56832],"logprob":-1})",
     "a",
     true,
     -1.F,
     {}},
    {"Case14CutTokenWholeBytes",
     R"({"token":"","bytes":[240,159],"logprob":-1})",
     "\xf0\x9f",
     false,
     -1.F,
     {}},
    {"Case15OneTextTwoIds",
     R"({"token":"a","id":1,"bytes":[97],"logprob":-1,"top_logprobs":[
         {"token":"a","id":1,"bytes":[97],"logprob":-1},
         {"token":"a","id":2,"bytes":[97],"logprob":-2}]})",
     "a",
     false,
     -1.F,
     {"a", "a"}},
    {"Case15OneTextTwoBytes",
     R"({"token":"?","bytes":[240],"logprob":-1,"top_logprobs":[
         {"token":"?","bytes":[240],"logprob":-1},{"token":"?","bytes":[241],"logprob":-2}]})",
     "\xf0",
     false,
     -1.F,
     {"\xf0", "\xf1"}},
    {"Case16ChosenNotListed",
     R"({"token":"c","bytes":[99],"logprob":-7,"top_logprobs":[
         {"token":"a","bytes":[97],"logprob":-1}]})",
     "c",
     false,
     -7.F,
     {"a"}},
    {"Case17OneMoreOrFewer",
     R"({"token":"c","bytes":[99],"logprob":-3,"top_logprobs":[
         {"token":"a","bytes":[97],"logprob":-1},{"token":"b","bytes":[98],"logprob":-2},
         {"token":"c","bytes":[99],"logprob":-3}]})",
     "c",
     false,
     -3.F,
     {"a", "b", "c"}},
    {"Case18SentinelOfOpenAi",
     R"({"token":"c","bytes":[99],"logprob":-9999.0})",
     "c",
     false,
     std::nullopt,
     {}},
    {"Case18SentinelOfLlamaCpp",
     R"({"token":"c","bytes":[99],"logprob":-3.4e38})",
     "c",
     false,
     std::nullopt,
     {}},
    {"Case18Null", R"({"token":"c","bytes":[99],"logprob":null})", "c", false, std::nullopt, {}},
    {"Case18SentinelAmongCandidates",
     R"({"token":"c","bytes":[99],"logprob":-1,"top_logprobs":[
         {"token":"c","bytes":[99],"logprob":-1},{"token":"d","bytes":[100],"logprob":-9999.0}]})",
     "c",
     false,
     -1.F,
     {"c"}},
    {"Case20SumAboveOneIsKeptAsSaid",
     R"({"token":"c","bytes":[99],"logprob":-0.1,"top_logprobs":[
         {"token":"c","bytes":[99],"logprob":-0.1},{"token":"d","bytes":[100],"logprob":-1.3}]})",
     "c",
     false,
     -0.1F,
     {"c", "d"}},
};

INSTANTIATE_TEST_SUITE_P(All, TrickyTokenTest, ::testing::ValuesIn(kTokens),
                         [](const auto& info) { return NameOf(info); });

TEST(TrickyAnswerTest, Case09BlankLinesAndCommentsBeforeTheBodyAreSkipped) {
  EXPECT_EQ(Output("\r\n\n: keep-alive\n\n"
                   R"({"choices":[{"message":{"content":"x"},"finish_reason":"stop"}]})")
                .text,
            "x");
}

TEST(TrickyAnswerTest, Case19ARefusalHasNoSoftLabel) {
  for (const char* logprobs :
       {"null", R"({"content":null,"refusal":[{"token":"I","logprob":-1,"bytes":[73]}]})",
        R"({"content":[{"token":"I","logprob":-1,"bytes":[73]}]})"}) {
    const cache::SoftOutput output = Output(absl::StrCat(
        R"({"choices":[{"finish_reason":"stop","message":{"content":null,"refusal":"I cannot."},
            "logprobs":)",
        logprobs, "}]}"));
    EXPECT_EQ(output.finish_reason, cache::FinishReason::kRefusal);
    EXPECT_EQ(output.support, cache::Support::kTextOnly);
    EXPECT_TRUE(output.tokens.empty());
    EXPECT_EQ(output.text, "I cannot.");
  }
}

TEST(TrickyAnswerTest, Case22CutAnswersSaySo) {
  const auto finish = [](const std::string& reason) {
    return Output(R"({"choices":[{"message":{"content":"x"},"finish_reason":")" + reason + "\"}]}");
  };
  EXPECT_EQ(finish("length").finish_reason, cache::FinishReason::kLength);
  EXPECT_EQ(finish("model_length").finish_reason, cache::FinishReason::kLength);
  EXPECT_EQ(finish("content_filter").finish_reason, cache::FinishReason::kFilter);
  EXPECT_EQ(finish("model_length").raw_finish_reason, "model_length");
  EXPECT_EQ(finish("what_is_new").finish_reason, cache::FinishReason::kUnknown);
}

TEST(TrickyAnswerTest, Case23ABudgetSpentOnReasoningIsNoLabel) {
  for (const char* content : {"\"\"", "null"}) {
    const cache::SoftOutput output = Output(
        absl::StrCat(R"({"choices":[{"finish_reason":"length","message":{"content":)", content,
                     R"(},"logprobs":{"content":[{"token":"t","bytes":[116],"logprob":-1}]}}],
            "usage":{"prompt_tokens":3,"completion_tokens":64,
                     "completion_tokens_details":{"reasoning_tokens":64}}})"));
    EXPECT_EQ(output.finish_reason, cache::FinishReason::kLength);
    EXPECT_EQ(output.support, cache::Support::kTextOnly);
    EXPECT_EQ(output.text, "");
    EXPECT_EQ(output.usage.reasoning_tokens, 64u);
  }
}

TEST(TrickyAnswerTest, Case24ChunksWithoutChoicesAndWithSeveralTokens) {
  const cache::SoftOutput output = Output(
      "data: {\"choices\":[]}\n\n"
      "data: {\"choices\":[{\"delta\":{\"content\":\"ab\"},\"logprobs\":{\"content\":["
      "{\"token\":\"a\",\"bytes\":[97],\"logprob\":-1},"
      "{\"token\":\"b\",\"bytes\":[98],\"logprob\":-2}]}}],\"obfuscation\":\"aX9\"}\n\n"
      "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n"
      "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":1,\"completion_tokens\":2}}\n\n"
      "data: [DONE]\n\n");
  EXPECT_EQ(output.text, "ab");
  EXPECT_EQ(output.tokens.size(), 2u);
  EXPECT_EQ(output.usage.output_tokens, 2u);
}

TEST(TrickyAnswerTest, Case24ACharacterSplitOverChunksKeepsItsBytes) {
  const cache::SoftOutput output = Output(
      "data: {\"choices\":[{\"delta\":{\"content\":\"\"},\"logprobs\":{\"content\":["
      "{\"token\":\"\\\\xc3\",\"bytes\":[195],\"logprob\":-1}]}}]}\n\n"
      "data: {\"choices\":[{\"delta\":{\"content\":\"\xc3\xa9\"},\"logprobs\":{\"content\":["
      "{\"token\":\"\\\\xa9\",\"bytes\":[169],\"logprob\":-2}]}}]}\n\n"
      "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n"
      "data: [DONE]\n\n");
  EXPECT_EQ(output.text, "\xc3\xa9");
  ASSERT_EQ(output.tokens.size(), 2u);
  EXPECT_EQ(output.tokens[0].bytes + output.tokens[1].bytes, output.text);
}

}  // namespace
}  // namespace limbeck::gateway
