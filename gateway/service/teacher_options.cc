#include "gateway/service/teacher_options.h"

#include <memory>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/grpc/server_config.h"
#include "base/string_view.h"

namespace limbeck::gateway {
namespace {

constexpr uint32_t kMaxTopLogprobs = 1024;
constexpr int32_t kMaxThinkingBudget = 1'000'000;

LogprobsForm FormOf(v1::CompatibleProfile::Logprobs form) {
  if (form == v1::CompatibleProfile::LOGPROBS_COUNT) return LogprobsForm::kCount;
  if (form == v1::CompatibleProfile::LOGPROBS_NONE) return LogprobsForm::kNone;
  return LogprobsForm::kFlag;
}

std::optional<FinishMeaning> MeaningOf(v1::CompatibleProfile::Finish finish) {
  switch (finish) {
    case v1::CompatibleProfile::FINISH_STOP:
      return FinishMeaning::kStop;
    case v1::CompatibleProfile::FINISH_LENGTH:
      return FinishMeaning::kLength;
    case v1::CompatibleProfile::FINISH_FILTER:
      return FinishMeaning::kFilter;
    case v1::CompatibleProfile::FINISH_REFUSAL:
      return FinishMeaning::kRefusal;
    case v1::CompatibleProfile::FINISH_RETRY:
      return FinishMeaning::kRetry;
    default:
      return std::nullopt;
  }
}

void SetHeaders(const v1::CompatibleProfile::RateHeaders& from, CompatibleProfile* profile) {
  RateHeaderNames& names = profile->rate_headers;
  if (from.has_remaining_requests()) names.remaining_requests = from.remaining_requests();
  if (from.has_remaining_input_tokens()) {
    names.remaining_input_tokens = from.remaining_input_tokens();
  }
  if (from.has_remaining_output_tokens()) {
    names.remaining_output_tokens = from.remaining_output_tokens();
  }
  if (from.has_reset_requests()) names.reset_requests = from.reset_requests();
  if (from.has_reset_tokens()) names.reset_tokens = from.reset_tokens();
  profile->requests_per_day = from.requests_per_day();
}

CompatibleProfile ProfileOf(const v1::CompatibleProfile& from,
                            std::vector<FieldViolation>* violations) {
  CompatibleProfile profile;
  const auto add = [&](const std::string& field, const std::string& what) {
    violations->push_back({"custom_profile." + field, what});
  };
  if (!from.chat_path().empty()) profile.chat_path = from.chat_path();
  if (!profile.chat_path.starts_with('/') ||
      profile.chat_path.find_first_of(" \t\r\n#") != std::string::npos) {
    add("chat_path", "must start with \"/\" and hold no white space or fragment");
  }
  profile.logprobs = FormOf(from.logprobs());
  if (from.max_top_logprobs() != 0) profile.max_top_logprobs = from.max_top_logprobs();
  if (profile.max_top_logprobs > kMaxTopLogprobs) {
    add("max_top_logprobs", absl::StrCat("is above ", kMaxTopLogprobs));
  }
  if (profile.logprobs == LogprobsForm::kNone) profile.max_top_logprobs = 0;
  profile.stream_drops_candidates = from.stream_drops_candidates();
  if (!from.max_tokens_field().empty()) profile.max_tokens_field = from.max_tokens_field();
  if (from.has_seed_field()) profile.seed_field = from.seed_field();
  profile.response_schema = !from.no_response_schema();
  profile.extra_body = from.extra_body();
  profile.stream_options = !from.no_stream_options();
  if (!from.cached_input_tokens_field().empty()) {
    profile.cached_input_tokens_field = from.cached_input_tokens_field();
  }
  for (const auto& [raw, finish] : from.finish_reasons()) {
    const auto meaning = MeaningOf(static_cast<v1::CompatibleProfile::Finish>(finish));
    if (!meaning.has_value()) {
      add(absl::StrCat("finish_reasons[\"", raw, "\"]"), "must be one of the FINISH_ meanings");
      continue;
    }
    profile.finish_reasons.emplace(raw, *meaning);
  }
  SetHeaders(from.rate_headers(), &profile);
  return profile;
}

std::optional<PromptFormat> PromptFormatOf(v1::PromptFormat format) {
  switch (format) {
    case v1::PROMPT_FORMAT_UNSPECIFIED:
    case v1::PROMPT_FORMAT_PLAIN:
      return PromptFormat::kPlain;
    case v1::PROMPT_FORMAT_CHATML:
      return PromptFormat::kChatMl;
    case v1::PROMPT_FORMAT_LLAMA3:
      return PromptFormat::kLlama3;
    case v1::PROMPT_FORMAT_GEMMA:
      return PromptFormat::kGemma;
    default:
      return std::nullopt;
  }
}

// Options of one kind that are set for another would be ignored in silence.
void CheckBelonging(const v1::TeacherConfig& teacher, std::vector<FieldViolation>* violations) {
  const auto belongs = [&](bool set, std::string_view field, std::string_view kind) {
    if (!set || teacher.kind() == kind) return;
    violations->push_back(
        {std::string(field), absl::StrCat("is an option of kind ", ToAbsl(kind), " only")});
  };
  belongs(!teacher.api_version().empty(), "api_version", "azure");
  belongs(!teacher.deployment().empty(), "deployment", "azure");
  belongs(teacher.bearer_key(), "bearer_key", "azure");
  belongs(!teacher.profile().empty(), "profile", "openai_compatible");
  belongs(teacher.has_custom_profile(), "custom_profile", "openai_compatible");
  belongs(teacher.enforce_distillable_text(), "enforce_distillable_text", "openai_compatible");
  belongs(teacher.prompt_format() != v1::PROMPT_FORMAT_UNSPECIFIED, "prompt_format", "llamacpp");
  belongs(teacher.has_service_account(), "service_account", "vertex");
  if (teacher.has_thinking_budget() && teacher.kind() != "gemini" && teacher.kind() != "vertex") {
    violations->push_back({"thinking_budget", "is an option of kinds gemini and vertex only"});
  }
  if (teacher.has_service_account() && teacher.has_key()) {
    violations->push_back({"service_account", "excludes key"});
  }
}

void SetCredentials(const v1::TeacherConfig& teacher, TeacherConfig* config,
                    std::vector<FieldViolation>* violations) {
  // Keys are changed, and Google's access tokens last an hour: whoever writes the file renews it.
  if (teacher.key().source_case() == v1::SecretSource::kFile) {
    config->access_token = std::make_shared<TokenFile>(teacher.key().file());
  }
  if (!teacher.has_service_account()) return;
  auto account = rpc::ReadSecret(teacher.service_account());
  if (account.ok()) {
    config->service_account = *std::move(account);
  } else {
    violations->push_back({"service_account", std::string(ToStd(account.status().message()))});
  }
}

void SetNativeOptions(const v1::TeacherConfig& teacher, TeacherConfig* config,
                      std::vector<FieldViolation>* violations) {
  if (teacher.has_thinking_budget()) {
    config->thinking_budget = teacher.thinking_budget();
    if (teacher.thinking_budget() < -1 || teacher.thinking_budget() > kMaxThinkingBudget) {
      violations->push_back(
          {"thinking_budget", absl::StrCat("must be from -1 to ", kMaxThinkingBudget)});
    }
  }
  const auto format = PromptFormatOf(teacher.prompt_format());
  if (!format.has_value()) {
    violations->push_back({"prompt_format", "must be one of the PROMPT_FORMAT_ names"});
  }
  config->prompt_format = format.value_or(PromptFormat::kPlain);
  SetCredentials(teacher, config, violations);
}

}  // namespace

std::vector<FieldViolation> SetTeacherOptions(const v1::TeacherConfig& teacher,
                                              TeacherConfig* config) {
  std::vector<FieldViolation> violations;
  CheckBelonging(teacher, &violations);
  config->stream = teacher.stream();
  config->api_version = teacher.api_version();
  config->deployment = teacher.deployment();
  config->bearer_key = teacher.bearer_key();
  config->profile = teacher.profile();
  if (teacher.has_custom_profile()) {
    config->custom_profile = ProfileOf(teacher.custom_profile(), &violations);
  }
  config->enforce_distillable_text = teacher.enforce_distillable_text();
  config->max_completion_tokens = teacher.max_completion_tokens();
  if (teacher.max_top_logprobs() > kMaxTopLogprobs) {
    violations.push_back({"max_top_logprobs", absl::StrCat("is above ", kMaxTopLogprobs)});
  }
  SetNativeOptions(teacher, config, &violations);
  return violations;
}

}  // namespace limbeck::gateway
