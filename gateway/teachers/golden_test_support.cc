#include "gateway/teachers/golden_test_support.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <map>
#include <nlohmann/json.hpp>
#include <sstream>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/string_view.h"

namespace limbeck::gateway::testing {
namespace {

using nlohmann::json;

constexpr int64_t kNowSeconds = 1'700'000'000;
constexpr uint32_t kTopLogprobs = 20;
constexpr float kSentinel = -9000;
constexpr int kDamageRounds = 300;
constexpr const char* kMark = "== ";

std::string PathOf(const std::string& folder, const std::string& name) {
  const char* root = std::getenv("LIMBECK_SOURCE_DIR");
  return absl::StrCat(root == nullptr ? "." : root, "/", folder, "/", name);
}

std::string Quoted(const std::string& bytes) {
  return absl::StrCat("\"", absl::CHexEscape(bytes), "\"");
}

std::string Number(float value) { return absl::StrFormat("%.9g", value); }

std::string IdText(const std::optional<uint32_t>& id) {
  return id.has_value() ? absl::StrCat(" id ", *id) : "";
}

std::string DescribeTokens(const cache::SoftOutput& output) {
  std::string text;
  for (const cache::Token& token : output.tokens) {
    absl::StrAppend(&text, "token ", Quoted(token.bytes), IdText(token.id), " logprob ",
                    token.logprob.has_value() ? Number(*token.logprob) : "none",
                    token.lossy ? " lossy" : "", "\n");
    for (const cache::Candidate& candidate : token.candidates) {
      absl::StrAppend(&text, "  ", Quoted(candidate.bytes), IdText(candidate.id), " ",
                      Number(candidate.logprob), "\n");
    }
  }
  return text;
}

std::string DescribeOutput(const cache::SoftOutput& output) {
  static constexpr const char* kSupport[] = {"text_only", "chosen_only", "top_k"};
  static constexpr const char* kFinish[] = {"unknown", "stop", "length", "refusal", "filter"};
  const cache::Usage& usage = output.usage;
  const cache::Provenance& from = output.provenance;
  return absl::StrCat(
      "support ", kSupport[static_cast<int>(output.support)], " of ", output.top_logprobs,
      "\ntext ", Quoted(output.text), "\nfinish ", kFinish[static_cast<int>(output.finish_reason)],
      " ", Quoted(output.raw_finish_reason), "\nusage input ", usage.input_tokens, " cached ",
      usage.cached_input_tokens, " output ", usage.output_tokens, " reasoning ",
      usage.reasoning_tokens, "\nfrom ", from.teacher, " ", from.provider_kind, " model ",
      Quoted(from.model), " request ", Quoted(from.request_id), " at ", from.unix_micros, "\n",
      DescribeTokens(output));
}

std::string DescribeFailure(const Failure& failure) {
  return absl::StrCat(
      "failure ", ToAbsl(FailureClassName(failure.cls)), " ", failure.reason, "\nmessage ",
      Quoted(failure.message), "\nbilled ", failure.may_have_been_billed ? "maybe" : "no",
      failure.wait_hint.has_value()
          ? absl::StrCat(" wait ", absl::FormatDuration(*failure.wait_hint))
          : "",
      failure.request_id.empty() ? "" : absl::StrCat(" request ", Quoted(failure.request_id)),
      "\n");
}

// A line's bytes: a string stands for itself, other JSON for its text.
std::string Raw(const json& value) {
  return value.is_string() ? value.get<std::string>() : value.dump();
}

http::Response ResponseOf(const json& row) {
  http::Response response;
  response.status_code = row.at("status").get<int>();
  const json headers = row.value("headers", json::object());
  for (const auto& [name, value] : headers.items()) {
    response.headers.push_back({name, value.get<std::string>()});
  }
  if (row.contains("body")) response.body = Raw(row["body"]);
  for (const json& line : row.value("lines", json::array())) response.body += Raw(line) + "\n";
  for (const json& event : row.value("events", json::array())) {
    response.body += "data: " + Raw(event) + "\n\n";
  }
  return response;
}

ParseResult Parse(const Provider& provider, const http::Response& response) {
  TeacherConfig config;
  config.name = "t";
  config.kind = std::string(provider.kind());
  config.model = "m";
  TeacherQuery query;
  query.top_logprobs = kTopLogprobs;
  return provider.ParseResponse(config, query, response, absl::FromUnixSeconds(kNowSeconds));
}

void ExpectLogprob(float logprob) {
  EXPECT_LE(logprob, 0);
  EXPECT_GT(logprob, kSentinel);
}

// "== NAME" begins a case.
std::map<std::string, std::string> ReadGolden(const std::string& path) {
  std::map<std::string, std::string> cases;
  std::istringstream lines(ReadFile(path).value_or(""));
  std::string* current = nullptr;
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with(kMark)) {
      current = &cases[line.substr(std::strlen(kMark))];
    } else if (current != nullptr) {
      absl::StrAppend(current, line, "\n");
    }
  }
  return cases;
}

}  // namespace

std::vector<GoldenCase> LoadGolden(const Provider& provider, const std::string& folder) {
  std::vector<GoldenCase> cases;
  std::string described;
  std::istringstream lines(ReadFile(PathOf(folder, "answers.jsonl")).value());
  for (std::string line; std::getline(lines, line);) {
    const json row = json::parse(line);
    cases.push_back({row.at("case").get<std::string>(), ResponseOf(row), ""});
    absl::StrAppend(&described, kMark, cases.back().name, "\n",
                    DescribeParse(provider, cases.back().response));
  }
  const std::string path = PathOf(folder, "answers.golden");
  if (std::getenv("LIMBECK_UPDATE_GOLDEN") != nullptr) {
    EXPECT_TRUE(WriteFileDurably(path, described).ok());
  }
  std::map<std::string, std::string> golden = ReadGolden(path);
  for (GoldenCase& one : cases) one.golden = golden[one.name];
  return cases;
}

std::string DescribeParse(const Provider& provider, const http::Response& response) {
  const ParseResult result = Parse(provider, response);
  const auto* failure = std::get_if<Failure>(&result);
  return failure != nullptr ? DescribeFailure(*failure)
                            : DescribeOutput(std::get<cache::SoftOutput>(result));
}

std::vector<http::Response> Cuts(const http::Response& response) {
  std::vector<http::Response> cuts;
  const size_t size = response.body.find_last_not_of(" \n\r") + 1;
  for (size_t length = 0; length < size; ++length) {
    cuts.push_back(response);
    cuts.back().body.resize(length);
  }
  return cuts;
}

void ExpectDamageIsHarmless(const Provider& provider, const http::Response& response) {
  if (response.body.empty()) return;
  StableRandom random(7, 1);
  for (int round = 0; round < kDamageRounds; ++round) {
    http::Response damaged = response;
    const uint64_t bytes = 1 + random.Below(4);
    for (uint64_t i = 0; i < bytes; ++i) {
      damaged.body[random.Below(damaged.body.size())] = static_cast<char>(random.Next());
    }
    const ParseResult result = Parse(provider, damaged);
    const auto* output = std::get_if<cache::SoftOutput>(&result);
    if (output == nullptr) continue;
    for (const cache::Token& token : output->tokens) {
      if (token.logprob.has_value()) ExpectLogprob(*token.logprob);
      for (const cache::Candidate& candidate : token.candidates) ExpectLogprob(candidate.logprob);
    }
  }
}

std::string GoldenName(const ::testing::TestParamInfo<GoldenCase>& info) {
  std::string name = info.param.name;
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
}

}  // namespace limbeck::gateway::testing
