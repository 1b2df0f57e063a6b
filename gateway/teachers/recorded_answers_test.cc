// Recorded answers of every kind, FOLDER/testdata/NAME.case.json, against NAME.golden beside them,
// byte for byte. LIMBECK_WRITE_GOLDEN=1 writes the golden files instead.
//
// A case is {"kind", "teacher"?: {"profile", "stream"}, "query"?: {"top_logprobs", "prompt",
// "continuation"}, "status"?, "headers"?: {…}, and either "body" (JSON, sent in its order) or
// "lines" (text lines, joined by line feeds)}.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/string_view.h"
#include "gateway/teachers/registry.h"

namespace limbeck::gateway {
namespace {

using json = nlohmann::ordered_json;

std::filesystem::path TeachersFolder() {
  const char* root = std::getenv("LIMBECK_SOURCE_DIR");
  return std::filesystem::path(root == nullptr ? "." : root) / "gateway/teachers";
}

std::vector<std::filesystem::path> Cases() {
  std::vector<std::filesystem::path> cases;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(TeachersFolder())) {
    const std::string name = entry.path().filename().string();
    if (name.ends_with(".case.json")) cases.push_back(entry.path());
  }
  std::sort(cases.begin(), cases.end());
  return cases;
}

std::string Quoted(const std::string& bytes) {
  return absl::StrCat("\"", absl::CHexEscape(bytes), "\"");
}

std::string Shown(const std::optional<uint32_t>& id, const std::optional<float>& logprob) {
  return absl::StrCat(id.has_value() ? absl::StrCat(" id ", *id) : "",
                      logprob.has_value() ? absl::StrFormat(" logprob %.6g", *logprob) : "");
}

std::string Shown(const cache::SoftOutput& output) {
  static constexpr const char* kSupports[] = {"text only", "chosen only", "top k"};
  static constexpr const char* kFinishes[] = {"unknown", "stop", "length", "refusal", "filter"};
  std::string text;
  absl::StrAppend(
      &text, "support ", kSupports[static_cast<size_t>(output.support)], " of ",
      output.top_logprobs, "\ntext ", Quoted(output.text), "\nfinish ",
      kFinishes[static_cast<size_t>(output.finish_reason)], " ", Quoted(output.raw_finish_reason),
      "\nusage input ", output.usage.input_tokens, " cached ", output.usage.cached_input_tokens,
      " output ", output.usage.output_tokens, " reasoning ", output.usage.reasoning_tokens,
      "\nfrom ", output.provenance.provider_kind, " model ", Quoted(output.provenance.model),
      " fingerprint ", Quoted(output.provenance.fingerprint), " request ",
      Quoted(output.provenance.request_id), "\n");
  for (const cache::Token& token : output.tokens) {
    absl::StrAppend(&text, "token ", Quoted(token.bytes), Shown(token.id, token.logprob),
                    token.lossy ? " lossy" : "", "\n");
    for (const cache::Candidate& candidate : token.candidates) {
      absl::StrAppend(&text, "  ", Quoted(candidate.bytes), Shown(candidate.id, candidate.logprob),
                      "\n");
    }
  }
  return text;
}

std::string Shown(const Failure& failure) {
  std::string text;
  absl::StrAppend(&text, "failure ", ToAbsl(FailureClassName(failure.cls)), " ",
                  Quoted(failure.reason), "\nmessage ", Quoted(failure.message), "\nbilled ",
                  failure.may_have_been_billed ? "perhaps" : "no", "\n");
  if (failure.wait_hint.has_value()) {
    absl::StrAppend(&text, "wait ", absl::FormatDuration(*failure.wait_hint), "\n");
  }
  return text;
}

std::string BodyOf(const json& the_case) {
  if (the_case.contains("body")) return the_case["body"].dump();
  std::string body;
  for (const json& line : the_case.at("lines")) {
    absl::StrAppend(&body, line.get<std::string>(), "\n");
  }
  return body;
}

struct Exchange {
  TeacherConfig config;
  TeacherQuery query;
  http::Response response;
};

Exchange ExchangeOf(const json& the_case) {
  Exchange exchange;
  TeacherConfig& config = exchange.config;
  config.name = "recorded";
  config.kind = the_case.at("kind").get<std::string>();
  const json teacher = the_case.value("teacher", json::object());
  config.profile = teacher.value("profile", "");
  config.stream = teacher.value("stream", false);
  const json asked = the_case.value("query", json::object());
  exchange.query.top_logprobs = asked.value("top_logprobs", 0u);
  exchange.query.messages = {{Role::kUser, asked.value("prompt", "?")}};
  exchange.query.continuation = asked.value("continuation", "");
  http::Response& response = exchange.response;
  response.status_code = the_case.value("status", 200);
  const json headers = the_case.value("headers", json::object());
  for (const auto& [name, value] : headers.items()) {
    response.headers.push_back({name, value.get<std::string>()});
  }
  response.body = BodyOf(the_case);
  return exchange;
}

ParseResult Parse(const Exchange& exchange) {
  const Provider& provider = **FindProvider(exchange.config.kind);
  return provider.ParseResponse(exchange.config, exchange.query, exchange.response,
                                absl::FromUnixSeconds(1));
}

class RecordedAnswersTest : public ::testing::TestWithParam<std::filesystem::path> {};

TEST_P(RecordedAnswersTest, ParsesIntoTheExpectedOutput) {
  const std::string file = GetParam().string();
  const std::string golden =
      absl::StrCat(file.substr(0, file.size() - std::string_view(".case.json").size()), ".golden");
  const ParseResult result = Parse(ExchangeOf(json::parse(ReadFile(file).value())));
  const std::string read = std::visit([](const auto& parsed) { return Shown(parsed); }, result);
  if (std::getenv("LIMBECK_WRITE_GOLDEN") != nullptr) {
    ASSERT_TRUE(WriteFileDurably(golden, read).ok());
    return;
  }
  EXPECT_EQ(ReadFile(golden).value_or("(no file)"), read);
}

TEST_P(RecordedAnswersTest, DamageNeverCrashesAndNeverInventsLogprobs) {
  const json the_case = json::parse(ReadFile(GetParam().string()).value());
  Exchange exchange = ExchangeOf(the_case);
  const std::string whole = exchange.response.body;
  StableRandom random(11, 1);
  for (int round = 0; round < 300; ++round) {
    std::string& body = exchange.response.body;
    body = whole.substr(0, random.Below(2) == 0 ? whole.size() : random.Below(whole.size()));
    for (uint64_t flips = random.Below(4); flips > 0 && !body.empty(); --flips) {
      body[random.Below(body.size())] = static_cast<char>(random.Next());
    }
    const ParseResult result = Parse(exchange);
    const auto* output = std::get_if<cache::SoftOutput>(&result);
    if (output == nullptr) continue;
    for (const cache::Token& token : output->tokens) {
      EXPECT_LE(token.logprob.value_or(0), 0);
      for (const cache::Candidate& candidate : token.candidates) {
        EXPECT_LE(candidate.logprob, 0);
        EXPECT_GT(candidate.logprob, -9001);
      }
    }
  }
}

TEST_P(RecordedAnswersTest, CutAnywhereItIsAFailure) {
  Exchange exchange = ExchangeOf(json::parse(ReadFile(GetParam().string()).value()));
  const std::string whole = exchange.response.body;
  // What is behind the last character that counts may be missing.
  const size_t size = whole.find_last_not_of(" \n") + 1;
  for (size_t length = 0; length < size; ++length) {
    exchange.response.body.assign(whole, 0, length);
    EXPECT_TRUE(std::holds_alternative<Failure>(Parse(exchange))) << "at " << length;
  }
}

INSTANTIATE_TEST_SUITE_P(All, RecordedAnswersTest, ::testing::ValuesIn(Cases()),
                         [](const auto& info) {
                           std::string name =
                               absl::StrCat(info.param.parent_path().parent_path().stem().string(),
                                            "_", info.param.stem().stem().string());
                           std::replace(name.begin(), name.end(), '-', '_');
                           return name;
                         });

TEST(RecordedAnswersFolderTest, TheCasesAreFound) { EXPECT_GE(Cases().size(), 25u); }

}  // namespace
}  // namespace limbeck::gateway
