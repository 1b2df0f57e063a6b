// Streamed answers: the same soft output as the whole answer, or a failure that may have been
// billed.
#include <gtest/gtest.h>

#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "gateway/teachers/openai/openai_provider.h"

namespace limbeck::gateway {
namespace {

ParseResult Parse(const std::string& body) {
  http::Response response;
  response.status_code = 200;
  response.body = body;
  return OpenAiProvider().ParseResponse({}, {}, response, absl::FromUnixSeconds(1));
}

cache::SoftOutput Output(const std::string& body) {
  ParseResult result = Parse(body);
  if (const auto* failure = std::get_if<Failure>(&result)) {
    ADD_FAILURE() << failure->reason << ": " << failure->message;
    return {};
  }
  return std::get<cache::SoftOutput>(std::move(result));
}

// A chunk may span lines.
std::string Event(const std::string& data) {
  return absl::StrCat("data: ", absl::StrReplaceAll(data, {{"\n", "\ndata: "}}), "\n\n");
}

std::string Delta(const std::string& content, const std::string& logprobs) {
  return Event(absl::StrCat(R"({"model":"m","choices":[{"index":0,"delta":{"content":")", content,
                            R"("},"logprobs":)", logprobs, R"(,"finish_reason":null}]})"));
}

// Azure's filter results, a role, two tokens at once, obfuscation, the end, usage.
std::string WholeStream() {
  return absl::StrCat(
      Event(R"({"model":"","choices":[],"prompt_filter_results":[]})"),
      Event(R"({"model":"m","choices":[{"index":0,"delta":{"role":"assistant","content":""}}]})"),
      Delta("caf", R"({"content":[{"token":"c","bytes":[99],"logprob":-1,"top_logprobs":[]},
                      {"token":"af","bytes":[97,102],"logprob":-2,"top_logprobs":[]}]})"),
      ": keep-alive\n\n",
      Delta("", R"({"content":[{"token":"\\xc3","bytes":[195],"logprob":-3,"top_logprobs":[]}]})"),
      Delta("\xc3\xa9",
            R"({"content":[{"token":"\\xa9","bytes":[169],"logprob":-4,"top_logprobs":[]}]})"),
      Event(R"({"choices":[{"index":0,"delta":{},"finish_reason":"stop"}],"obfuscation":"x7"})"),
      Event(R"({"choices":[{"index":0,"delta":{"content":""},"finish_reason":"stop"}],
                "usage":{"prompt_tokens":9,"completion_tokens":4}})"),
      Event(R"({"choices":[],"usage":null})"), Event("[DONE]"));
}

TEST(ParseStreamTest, ChunksMakeOneAnswer) {
  const cache::SoftOutput output = Output(WholeStream());
  EXPECT_EQ(output.text, "caf\xc3\xa9");
  EXPECT_EQ(output.finish_reason, cache::FinishReason::kStop);
  EXPECT_EQ(output.support, cache::Support::kChosenOnly);
  ASSERT_EQ(output.tokens.size(), 4u);
  EXPECT_EQ(output.tokens[2].bytes, "\xc3");
  EXPECT_FALSE(output.tokens[2].lossy);
  EXPECT_EQ(output.usage.input_tokens, 9u);
  EXPECT_EQ(output.usage.output_tokens, 4u);
  EXPECT_EQ(output.provenance.model, "m");
}

TEST(ParseStreamTest, EveryCutIsAFailureThatMayHaveBeenBilled) {
  const std::string whole = WholeStream();
  const size_t done = whole.size() - 2;  // The last blank line may be missing.
  for (size_t length = 0; length < done; ++length) {
    const ParseResult result = Parse(whole.substr(0, length));
    ASSERT_TRUE(std::holds_alternative<Failure>(result)) << length;
    EXPECT_TRUE(std::get<Failure>(result).may_have_been_billed) << length;
  }
  EXPECT_EQ(std::get<Failure>(Parse(whole.substr(0, whole.size() / 2))).reason, "STREAM_CUT");
}

TEST(ParseStreamTest, DoneWithoutAFinishReasonIsACut) {
  const ParseResult result = Parse(absl::StrCat(Delta("x", "null"), Event("[DONE]")));
  EXPECT_EQ(std::get<Failure>(result).reason, "STREAM_CUT");
}

TEST(ParseStreamTest, ErrorsVoidWhatCameBefore) {
  for (const char* error :
       {"event: error\ndata: {\"error\":{\"type\":\"overloaded_error\",\"message\":\"m\"}}\n\n",
        "data: {\"error\":{\"code\":503,\"message\":\"m\"},\"choices\":[{\"delta\":{}}]}\n\n",
        "event: error\ndata: out of memory\n\n"}) {
    const ParseResult result = Parse(absl::StrCat(Delta("half", "null"), error, Event("[DONE]")));
    ASSERT_TRUE(std::holds_alternative<Failure>(result)) << error;
    EXPECT_EQ(std::get<Failure>(result).cls, FailureClass::kRetryable) << error;
    EXPECT_TRUE(std::get<Failure>(result).may_have_been_billed) << error;
  }
}

TEST(ParseStreamTest, ChunksThatAreNoJsonAreGarbled) {
  EXPECT_EQ(std::get<Failure>(Parse(absl::StrCat(Event("{\"choices\":"), Event("[DONE]")))).cls,
            FailureClass::kGarbled);
}

TEST(ParseStreamTest, RefusalsAreJoined) {
  const cache::SoftOutput output = Output(
      absl::StrCat(Event(R"({"choices":[{"delta":{"refusal":"I can"}}]})"),
                   Event(R"({"choices":[{"delta":{"refusal":"not."},"finish_reason":"stop"}]})"),
                   Event("[DONE]")));
  EXPECT_EQ(output.finish_reason, cache::FinishReason::kRefusal);
  EXPECT_EQ(output.text, "I cannot.");
}

TEST(ParseStreamTest, LoneLogprobsBelongToTheirChunksText) {
  const cache::SoftOutput output = Output(absl::StrCat(
      Event(R"({"choices":[{"logprobs":-0.5,"delta":{"content":"yes","token_id":7}}]})"),
      Event(R"({"choices":[{"logprobs":null,"delta":{"content":""},"finish_reason":"eos"}]})"),
      Event("[DONE]")));
  ASSERT_EQ(output.tokens.size(), 1u);
  EXPECT_EQ(output.tokens[0].bytes, "yes");
  EXPECT_EQ(output.tokens[0].id, 7u);
  EXPECT_EQ(output.tokens[0].logprob, -0.5F);
  EXPECT_EQ(output.support, cache::Support::kChosenOnly);
}

}  // namespace
}  // namespace limbeck::gateway
