// The parser against answers of a real server, whole, cut and damaged.
#include <gtest/gtest.h>

#include <cstdlib>
#include <map>
#include <nlohmann/json.hpp>
#include <sstream>

#include "base/file.h"
#include "base/hash.h"
#include "gateway/teachers/openai/openai_provider.h"

namespace limbeck::gateway {
namespace {

using nlohmann::json;

class RecordingsTest : public ::testing::Test {
 protected:
  RecordingsTest() {
    const char* root = std::getenv("LIMBECK_SOURCE_DIR");
    const std::string path = std::string(root == nullptr ? "." : root) +
                             "/gateway/teachers/openai/testdata/smollm2-135m.jsonl";
    std::istringstream lines(ReadFile(path).value());
    for (std::string line; std::getline(lines, line);) {
      const json row = json::parse(line);
      http::Response response;
      response.status_code = row["status"];
      response.body = row["body"];
      recordings_[row["case"]] = response;
    }
  }

  ParseResult Parse(const http::Response& response) {
    return OpenAiProvider().ParseResponse({}, {}, response, absl::FromUnixSeconds(1));
  }
  cache::SoftOutput Output(const std::string& name) {
    return std::get<cache::SoftOutput>(Parse(recordings_.at(name)));
  }
  Failure Failed(const std::string& name) { return std::get<Failure>(Parse(recordings_.at(name))); }

  std::map<std::string, http::Response> recordings_;
};

TEST_F(RecordingsTest, ALabelAnswerHasItsTwentyCandidates) {
  const cache::SoftOutput output = Output("label-chat:n-01725240");
  EXPECT_EQ(output.support, cache::Support::kTopK);
  EXPECT_EQ(output.finish_reason, cache::FinishReason::kLength);
  ASSERT_EQ(output.tokens.size(), 1u);
  EXPECT_EQ(output.tokens[0].candidates.size(), 20u);
  EXPECT_EQ(output.tokens[0].bytes, output.text);
  EXPECT_TRUE(output.tokens[0].id.has_value());
  EXPECT_GT(output.usage.input_tokens, 0u);
  EXPECT_EQ(output.provenance.fingerprint, "b0-unknown");
}

TEST_F(RecordingsTest, TheEndOfTurnTokenHasNoBytes) {
  const cache::SoftOutput output = Output("wire-end-of-turn");
  EXPECT_EQ(output.tokens.back().bytes, "");
  EXPECT_TRUE(output.tokens.back().id.has_value());
}

TEST_F(RecordingsTest, TokenBytesSpellTheText) {
  for (const char* name : {"label-chat:n-01725240", "wire-end-of-turn", "utf8-03", "utf8-13"}) {
    const cache::SoftOutput output = Output(name);
    std::string spelled;
    for (const cache::Token& token : output.tokens) spelled += token.bytes;
    EXPECT_EQ(spelled.substr(0, output.text.size()), output.text) << name;
  }
}

TEST_F(RecordingsTest, FoldedCharactersAreMarkedLossy) {
  const cache::SoftOutput output = Output("utf8-13");
  size_t lossy = 0;
  for (const cache::Token& token : output.tokens) lossy += token.lossy;
  EXPECT_GT(lossy, 0u);
  EXPECT_GT(output.usage.output_tokens, output.tokens.size());
}

TEST_F(RecordingsTest, AnswersWithoutLogprobsAreTextOnly) {
  EXPECT_EQ(Output("wire-top-0").support, cache::Support::kTextOnly);
}

TEST_F(RecordingsTest, ErrorsAreClassified) {
  EXPECT_EQ(Failed("wire-context-overflow").cls, FailureClass::kBadRequest);
  EXPECT_EQ(Failed("wire-context-overflow").reason, "exceed_context_size_error");
  EXPECT_EQ(Failed("wire-bad-json").cls, FailureClass::kBadRequest);
  EXPECT_EQ(Failed("wire-not-found").cls, FailureClass::kStopTeacher);
}

TEST_F(RecordingsTest, EveryTruncationIsAFailure) {
  for (const char* name : {"wire-end-of-turn", "wire-top-0", "wire-post-sampling"}) {
    http::Response cut = recordings_.at(name);
    const std::string whole = cut.body;
    for (size_t length = 0; length < whole.size(); ++length) {
      cut.body = whole.substr(0, length);
      EXPECT_TRUE(std::holds_alternative<Failure>(Parse(cut))) << name << " at " << length;
    }
  }
}

TEST_F(RecordingsTest, DamagedBytesNeverCrashAndNeverInventLogprobs) {
  StableRandom random(7, 1);
  for (const auto& [name, response] : recordings_) {
    if (response.body.size() > 20'000) continue;
    for (int round = 0; round < 300; ++round) {
      http::Response damaged = response;
      const uint64_t flips = 1 + random.Below(4);
      for (uint64_t i = 0; i < flips; ++i) {
        damaged.body[random.Below(damaged.body.size())] = static_cast<char>(random.Next());
      }
      const ParseResult result = Parse(damaged);
      const auto* output = std::get_if<cache::SoftOutput>(&result);
      if (output == nullptr) continue;
      for (const cache::Token& token : output->tokens) {
        EXPECT_LE(token.logprob.value_or(0), 0);
        for (const cache::Candidate& candidate : token.candidates) {
          EXPECT_LE(candidate.logprob, 0);
          EXPECT_GT(candidate.logprob, -9000);
        }
      }
    }
  }
}

}  // namespace
}  // namespace limbeck::gateway
