#include "gateway/service/teacher_options.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <string>
#include <vector>

#include "base/config/yaml.h"
#include "base/error_details.h"
#include "base/file.h"
#include "gateway/service/gateway_config.h"

namespace limbeck::gateway {
namespace {

v1::TeacherConfig Teacher(const std::string& fields) {
  v1::LimbeckConfig file;
  const absl::Status parsed =
      config::ParseYaml("teachers: [{name: t, model: m, " + fields + "}]", "limbeck.yaml", &file);
  EXPECT_TRUE(parsed.ok()) << parsed;
  return file.teachers(0);
}

std::vector<std::string> Faults(const std::string& fields) {
  TeacherConfig config;
  std::vector<std::string> faulty;
  for (const FieldViolation& fault : SetTeacherOptions(Teacher(fields), &config)) {
    faulty.push_back(fault.field);
  }
  return faulty;
}

using Fields = std::vector<std::string>;

TEST(TeacherOptionsTest, OptionsReachTheTeacher) {
  TeacherConfig config;
  EXPECT_TRUE(SetTeacherOptions(Teacher("kind: azure, deployment: d, api_version: v, bearer_key: "
                                        "true, stream: true, max_completion_tokens: true"),
                                &config)
                  .empty());
  EXPECT_EQ(config.deployment, "d");
  EXPECT_EQ(config.api_version, "v");
  EXPECT_TRUE(config.bearer_key);
  EXPECT_TRUE(config.stream);
  EXPECT_TRUE(config.max_completion_tokens);
}

TEST(TeacherOptionsTest, AProfileOfTheOperatorsOwnIsRead) {
  TeacherConfig config;
  EXPECT_TRUE(SetTeacherOptions(
                  Teacher("kind: openai_compatible, custom_profile: {logprobs: LOGPROBS_COUNT, "
                          "max_top_logprobs: 10, chat_path: /v2/chat, seed_field: \"\", "
                          "max_tokens_field: limit, no_response_schema: true, no_stream_options: "
                          "true, stream_drops_candidates: true, extra_body: '{\"a\":1}', "
                          "cached_input_tokens_field: warm, finish_reasons: {fin: FINISH_STOP, "
                          "out: FINISH_LENGTH, bad: FINISH_FILTER, no: FINISH_REFUSAL, again: "
                          "FINISH_RETRY}, rate_headers: {remaining_requests: x-left, "
                          "reset_tokens: \"\", requests_per_day: true}}"),
                  &config)
                  .empty());
  const CompatibleProfile& profile = config.custom_profile.value();
  EXPECT_EQ(profile.logprobs, LogprobsForm::kCount);
  EXPECT_EQ(profile.max_top_logprobs, 10u);
  EXPECT_EQ(profile.chat_path, "/v2/chat");
  EXPECT_EQ(profile.seed_field, "");
  EXPECT_EQ(profile.max_tokens_field, "limit");
  EXPECT_FALSE(profile.response_schema);
  EXPECT_FALSE(profile.stream_options);
  EXPECT_TRUE(profile.stream_drops_candidates);
  EXPECT_EQ(profile.extra_body, "{\"a\":1}");
  EXPECT_EQ(profile.cached_input_tokens_field, "warm");
  EXPECT_EQ(profile.finish_reasons.size(), 5u);
  EXPECT_EQ(profile.finish_reasons.at("again"), FinishMeaning::kRetry);
  EXPECT_EQ(profile.rate_headers.remaining_requests, "x-left");
  EXPECT_EQ(profile.rate_headers.remaining_input_tokens, "x-ratelimit-remaining-tokens");
  EXPECT_EQ(profile.rate_headers.reset_tokens, "");
  EXPECT_TRUE(profile.requests_per_day);
}

TEST(TeacherOptionsTest, OptionsOfAnotherKindAreFaults) {
  EXPECT_EQ(Faults("kind: openai, deployment: d, api_version: v, bearer_key: true, profile: groq, "
                   "custom_profile: {}, enforce_distillable_text: true"),
            (Fields{"api_version", "deployment", "bearer_key", "profile", "custom_profile",
                    "enforce_distillable_text"}));
}

TEST(TeacherOptionsTest, NonsenseIsNamed) {
  EXPECT_EQ(Faults("kind: vllm, max_top_logprobs: 5000"), Fields{"max_top_logprobs"});
  EXPECT_EQ(Faults("kind: openai_compatible, custom_profile: {chat_path: v2, max_top_logprobs: "
                   "5000, finish_reasons: {x: FINISH_UNSPECIFIED}}"),
            (Fields{"custom_profile.chat_path", "custom_profile.max_top_logprobs",
                    "custom_profile.finish_reasons[\"x\"]"}));
}

TEST(TeacherOptionsTest, ServersCapCandidatesWhereTheOperatorSaysSo) {
  const auto most = [](const std::string& fields) {
    v1::LimbeckConfig file;
    *file.add_teachers() = Teacher(fields + ", base_url: \"https://h/v1\"");
    return ResolveGatewayConfig(std::move(file))->teachers.at("t").config.max_top_logprobs;
  };
  EXPECT_EQ(most("kind: vllm"), 20u);
  EXPECT_EQ(most("kind: vllm, max_top_logprobs: 50"), 50u);
  EXPECT_EQ(most("kind: openai_completions"), 5u);
  EXPECT_EQ(most("kind: openai_compatible, profile: fireworks, max_top_logprobs: 50"), 5u);
  EXPECT_EQ(most("kind: openai_compatible, profile: groq"), 0u);
}

// The YAML examples of one section of docs/operations.md.
std::vector<std::string> ExamplesUnder(const std::string& heading) {
  const char* root = std::getenv("LIMBECK_SOURCE_DIR");
  const std::string text =
      ReadFile(std::string(root == nullptr ? "." : root) + "/docs/operations.md").value();
  const size_t begin = text.find("\n" + heading + "\n");
  EXPECT_NE(begin, std::string::npos);
  const std::string section =
      text.substr(begin, text.find("\n## ", begin + heading.size()) - begin);
  const std::string fence = "```yaml\n";
  std::vector<std::string> examples;
  for (size_t at = section.find(fence); at != section.npos; at = section.find(fence, at)) {
    at += fence.size();
    examples.push_back(section.substr(at, section.find("```", at) - at));
  }
  return examples;
}

TEST(TeacherOptionsTest, TheDocumentedExamplesAreSound) {
  const ScopedTempDirectory directory;
  for (const char* key : {"OPENAI_API_KEY", "AZURE_OPENAI_KEY", "OPENROUTER_API_KEY",
                          "GEMINI_API_KEY", "ANTHROPIC_API_KEY"}) {
    ASSERT_EQ(setenv(key, "k", 1), 0);
  }
  int teachers = 0;
  for (const std::string& yaml : ExamplesUnder("## Teachers")) {
    v1::LimbeckConfig file;
    const absl::Status read = config::ParseYaml(yaml, "operations.md", &file);
    ASSERT_TRUE(read.ok()) << read;
    teachers += file.teachers_size();
    for (v1::TeacherConfig& teacher : *file.mutable_teachers()) {
      // Files of the reader's.
      if (teacher.key().has_file() || teacher.has_service_account()) {
        teacher.clear_service_account();
        teacher.mutable_key()->set_env("OPENAI_API_KEY");
      }
    }
    const auto resolved = ResolveGatewayConfig(std::move(file));
    EXPECT_TRUE(resolved.ok()) << resolved.status();
  }
  EXPECT_GE(teachers, 10);
}

TEST(TeacherOptionsTest, AnswersPerCallAreDeclaredWithinWhatTheKindGives) {
  const auto resolve = [](const std::string& options) {
    v1::LimbeckConfig file;
    *file.add_teachers() = Teacher(options + ", base_url: \"https://h/v1\"");
    return ResolveGatewayConfig(std::move(file));
  };
  const auto silent = resolve("kind: openai");
  ASSERT_TRUE(silent.ok()) << silent.status();
  EXPECT_EQ(silent->teachers.at("t").facts.answers_per_call, 1u);
  EXPECT_EQ(silent->teachers.at("t").facts.max_answers_per_call, 128u);
  const auto stated = resolve("kind: openai, answers_per_call: 8");
  ASSERT_TRUE(stated.ok()) << stated.status();
  EXPECT_EQ(stated->teachers.at("t").facts.answers_per_call, 8u);
  EXPECT_EQ(stated->teachers.at("t").facts.max_answers_per_call, 8u);
  for (const char* wrong :
       {"kind: openai, answers_per_call: 0", "kind: openai, answers_per_call: 129",
        "kind: anthropic, answers_per_call: 2"}) {
    const auto violations = GetFieldViolations(resolve(wrong).status());
    ASSERT_EQ(violations.size(), 1u) << wrong;
    EXPECT_EQ(violations[0].field, "teachers[0].answers_per_call");
  }
}

}  // namespace
}  // namespace limbeck::gateway
