#include "gateway/teachers/openai/parse_answer.h"

#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"

namespace limbeck::gateway {
namespace {

const absl::Time kNow = absl::FromUnixSeconds(1'700'000'000);

ParseResult Parse(const std::string& body) {
  http::Response response;
  response.status_code = 200;
  response.body = body;
  return ParseCompletion({}, response, kNow);
}

cache::SoftOutput Output(const std::string& body) {
  ParseResult result = Parse(body);
  if (const auto* failure = std::get_if<Failure>(&result)) {
    ADD_FAILURE() << failure->reason << ": " << failure->message;
    return {};
  }
  return std::get<cache::SoftOutput>(std::move(result));
}

// The answer whose only token entry is `entry`.
cache::Token TokenOf(const std::string& entry) {
  const cache::SoftOutput output = Output(absl::StrCat(
      R"({"choices":[{"message":{"content":"x"},"logprobs":{"content":[)", entry, "]}}]}"));
  if (output.tokens.size() != 1) {
    ADD_FAILURE() << output.tokens.size() << " tokens";
    return {};
  }
  return output.tokens[0];
}

TEST(ParseAnswerTest, ReadsAWholeAnswerInAnyKeyOrder) {
  const cache::SoftOutput output = Output(R"({
    "usage":{"completion_tokens":2,"prompt_tokens":9,
             "prompt_tokens_details":{"cached_tokens":4},
             "completion_tokens_details":{"reasoning_tokens":1}},
    "choices":[{"logprobs":{"refusal":null,"content":[
      {"token":"\\xc3","bytes":[195],"logprob":-0.01,
       "top_logprobs":[{"token":"\\xc3","bytes":[195],"logprob":-0.01}]},
      {"token":"\\xa9","bytes":[169],"logprob":-0.2,"top_logprobs":[]}]},
      "finish_reason":"stop","index":0,
      "message":{"role":"assistant","refusal":null,"content":"é"}}],
    "model":"m","system_fingerprint":"fp"})");
  EXPECT_EQ(output.text, "\xc3\xa9");
  EXPECT_EQ(output.support, cache::Support::kTopK);
  EXPECT_EQ(output.finish_reason, cache::FinishReason::kStop);
  ASSERT_EQ(output.tokens.size(), 2u);
  EXPECT_EQ(output.tokens[0].bytes, "\xc3");
  EXPECT_FALSE(output.tokens[0].lossy);
  EXPECT_EQ(output.tokens[1].bytes, "\xa9");
  EXPECT_FLOAT_EQ(*output.tokens[1].logprob, -0.2f);
  EXPECT_EQ(output.usage.input_tokens, 9u);
  EXPECT_EQ(output.usage.cached_input_tokens, 4u);
  EXPECT_EQ(output.usage.output_tokens, 2u);
  EXPECT_EQ(output.usage.reasoning_tokens, 1u);
  EXPECT_EQ(output.provenance.model, "m");
}

TEST(ParseAnswerTest, SentinelsAndNullsAreAbsence) {
  for (const char* value : {"-9999.0", "-3.4e38", "null", "1.5", "-9999"}) {
    const cache::Token token =
        TokenOf(absl::StrCat(R"({"token":"a","bytes":[97],"logprob":)", value, R"(,"top_logprobs":[
            {"token":"b","bytes":[98],"logprob":-1},
            {"token":"c","bytes":[99],"logprob":)",
                             value, "}]}"));
    EXPECT_FALSE(token.logprob.has_value()) << value;
    EXPECT_EQ(token.candidates.size(), 1u) << value;
  }
}

TEST(ParseAnswerTest, RoundingAboveZeroIsZero) {
  EXPECT_EQ(*TokenOf(R"({"token":"a","bytes":[97],"logprob":1e-7})").logprob, 0.0f);
}

TEST(ParseAnswerTest, CandidatesAreToldApartByIdThenBytesAndSorted) {
  const cache::Token token = TokenOf(R"({"token":"","id":1,"bytes":[240],"logprob":-2,
    "top_logprobs":[{"token":"","id":1,"bytes":[240],"logprob":-2},
                    {"token":"","id":2,"bytes":[241],"logprob":-1},
                    {"token":"","id":2,"bytes":[241],"logprob":-3}]})");
  ASSERT_EQ(token.candidates.size(), 2u);
  EXPECT_EQ(*token.candidates[0].id, 2u);
  EXPECT_FLOAT_EQ(token.candidates[0].logprob, -1);
  EXPECT_FALSE(token.lossy);
}

TEST(ParseAnswerTest, FoldedCharactersAreLossy) {
  EXPECT_TRUE(TokenOf(R"({"token":"é","id":7,"bytes":[195,169],"logprob":-1,
    "top_logprobs":[{"token":"","id":7,"bytes":[169],"logprob":-1}]})")
                  .lossy);
}

TEST(ParseAnswerTest, BytesThatAreNoBytesAreNotUsed) {
  const cache::Token wide = TokenOf(R"({"token":"ā","bytes":[257],"logprob":-1})");
  EXPECT_EQ(wide.bytes, "\xc4\x81");
  EXPECT_TRUE(wide.lossy);
  EXPECT_TRUE(TokenOf(R"({"token":"\ufffd","bytes":[239,191,189],"logprob":-1})").lossy);
  EXPECT_TRUE(TokenOf(R"({"token":"\\xe4","bytes":null,"logprob":-1})").lossy);
  EXPECT_FALSE(TokenOf(R"({"token":"ok","bytes":null,"logprob":-1})").lossy);
}

TEST(ParseAnswerTest, ListsOfBytesAreReadHoweverJsonWritesThem) {
  const auto bytes_of = [](const std::string& list) {
    return TokenOf(absl::StrCat(R"({"token":"?","bytes":)", list, R"(,"logprob":-1})")).bytes;
  };
  EXPECT_EQ(bytes_of("[0,9,10,99,100,255]"), std::string("\0\t\n\x63\x64\xff", 6));
  EXPECT_EQ(bytes_of("[ 104 ,\n\t105\r]"), "hi");
  EXPECT_EQ(bytes_of("[104.0,1.05e2,-0]"), std::string("hi\0", 3));
  EXPECT_EQ(bytes_of("[]"), "");
  // No bytes: the text stands for them.
  for (const char* list : {"[256]", "[-1]", "[1.5]", "[1e999]", "[104,70000]", "{}", "7"}) {
    EXPECT_EQ(bytes_of(list), "?") << list;
  }
}

TEST(ParseAnswerTest, ListsOfBytesThatAreNoJsonAreGarbled) {
  for (const char* list : {"[007]", "[1 2]", "[1,]", "[,1]", "[a]", "[\"1\"]", "[[1]]", "[+1]",
                           "[null]", "[1", "[1}", "[-]", "[1e]x]"}) {
    const ParseResult result =
        Parse(absl::StrCat(R"({"choices":[{"message":{"content":"x"},"logprobs":{"content":[
            {"token":"a","logprob":-1,"bytes":)",
                           list, "}]}}]}"));
    ASSERT_TRUE(std::holds_alternative<Failure>(result)) << list;
    EXPECT_EQ(std::get<Failure>(result).reason, "BAD_JSON") << list;
  }
}

TEST(ParseAnswerTest, TokenIdsWrittenAsTextAreIds) {
  const cache::Token token = TokenOf(R"({"token":"token_id:123","logprob":-1})");
  EXPECT_EQ(*token.id, 123u);
  EXPECT_EQ(token.bytes, "");
  EXPECT_TRUE(token.lossy);
  EXPECT_FALSE(TokenOf(R"({"token":"token_id:99999999999999","logprob":-1})").id.has_value());
}

TEST(ParseAnswerTest, SupportIsWhatIsReallyThere) {
  const auto support = [](const std::string& logprobs) {
    return Output(absl::StrCat(R"({"choices":[{"message":{"content":"x"},"logprobs":)", logprobs,
                               "}]}"))
        .support;
  };
  EXPECT_EQ(support("null"), cache::Support::kTextOnly);
  EXPECT_EQ(support(R"({"content":null})"), cache::Support::kTextOnly);
  EXPECT_EQ(support(R"({"content":[{"token":"x","logprob":-1,"top_logprobs":[]}]})"),
            cache::Support::kChosenOnly);
  EXPECT_EQ(support(R"({"content":[{"token":"x","logprob":null,"top_logprobs":[]}]})"),
            cache::Support::kTextOnly);
}

TEST(ParseAnswerTest, ARefusalIsAnAnswer) {
  const cache::SoftOutput output = Output(
      R"({"choices":[{"finish_reason":"stop","logprobs":null,
          "message":{"content":null,"refusal":"I cannot."}}]})");
  EXPECT_EQ(output.finish_reason, cache::FinishReason::kRefusal);
  EXPECT_EQ(output.text, "I cannot.");
}

TEST(ParseAnswerTest, FinishReasonsOfSeveralHosts) {
  EXPECT_EQ(FinishReasonOf("eos"), cache::FinishReason::kStop);
  EXPECT_EQ(FinishReasonOf("model_length"), cache::FinishReason::kLength);
  EXPECT_EQ(FinishReasonOf("content_filter"), cache::FinishReason::kFilter);
  EXPECT_EQ(FinishReasonOf("new_thing"), cache::FinishReason::kUnknown);
  const ParseResult broken = Parse(
      R"({"choices":[{"message":{"content":"x"},"finish_reason":"insufficient_system_resource"}]})");
  EXPECT_EQ(std::get<Failure>(broken).cls, FailureClass::kRetryable);
  EXPECT_TRUE(std::get<Failure>(broken).may_have_been_billed);
}

TEST(ParseAnswerTest, ErrorsInsideA200AreFailures) {
  for (const char* body :
       {R"({"error":{"message":"busy","code":429}})", R"([{"error":{"message":"x","code":429}}])",
        R"({"choices":[{"message":{"content":"half"}}],"error":{"code":429}})"}) {
    const ParseResult result = Parse(body);
    ASSERT_TRUE(std::holds_alternative<Failure>(result)) << body;
    EXPECT_EQ(std::get<Failure>(result).cls, FailureClass::kRateLimited) << body;
  }
}

TEST(ParseAnswerTest, KeepAliveLinesBeforeTheBodyAreSkipped) {
  EXPECT_EQ(Output("\n\n: keep-alive\n: OPENROUTER PROCESSING\n\n"
                   R"({"choices":[{"message":{"content":"x"}}]})")
                .text,
            "x");
}

TEST(ParseAnswerTest, TrailingContentIsGarbled) {
  const ParseResult result = Parse(R"({"choices":[{"message":{"content":"x"}}]} {"a":1})");
  ASSERT_TRUE(std::holds_alternative<Failure>(result));
}

TEST(ParseAnswerTest, OfSeveralChoicesTheFirstCounts) {
  EXPECT_EQ(Output(R"({"choices":[{"message":{"content":"a"}},{"message":{"content":"b"}}]})").text,
            "a");
}

TEST(ParseAnswerTest, PostSamplingProbabilitiesBecomeLogprobs) {
  const cache::Token token = TokenOf(
      R"({"id":1,"token":"a","bytes":[97],"prob":1.0,"top_probs":[
          {"id":1,"token":"a","bytes":[97],"prob":1.0},{"id":2,"token":"b","bytes":[98],"prob":0}]})");
  EXPECT_EQ(*token.logprob, 0.0f);
  EXPECT_EQ(token.candidates.size(), 1u);
}

}  // namespace
}  // namespace limbeck::gateway
