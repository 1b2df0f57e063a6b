#include "gateway/teachers/compatible/profiles.h"

#include <map>

#include "absl/strings/str_cat.h"

namespace limbeck::gateway {
namespace {

using Profiles = std::map<std::string, CompatibleProfile, std::less<>>;

// api-docs.deepseek.com
CompatibleProfile DeepSeek() {
  CompatibleProfile profile;
  profile.finish_reasons = {{"insufficient_system_resource", FinishMeaning::kRetry}};
  return profile;
}

// docs.fireworks.ai
CompatibleProfile Fireworks() {
  CompatibleProfile profile;
  profile.max_top_logprobs = 5;
  profile.rate_headers.remaining_input_tokens = "x-ratelimit-remaining-tokens-prompt";
  profile.rate_headers.remaining_output_tokens = "x-ratelimit-remaining-tokens-generated";
  return profile;
}

// console.groq.com
CompatibleProfile Groq() {
  CompatibleProfile profile;
  profile.logprobs = LogprobsForm::kNone;
  profile.max_top_logprobs = 0;
  profile.requests_per_day = true;
  return profile;
}

// docs.mistral.ai; unknown fields are answered with 422 there.
CompatibleProfile Mistral() {
  CompatibleProfile profile;
  profile.logprobs = LogprobsForm::kNone;
  profile.max_top_logprobs = 0;
  profile.seed_field = "random_seed";
  profile.stream_options = false;
  profile.finish_reasons = {{"model_length", FinishMeaning::kLength},
                            {"error", FinishMeaning::kRetry}};
  return profile;
}

// openrouter.ai/docs: without require_parameters a route may drop logprobs in silence.
CompatibleProfile OpenRouter() {
  CompatibleProfile profile;
  profile.extra_body = R"({"provider":{"require_parameters":true}})";
  return profile;
}

// docs.together.ai
CompatibleProfile Together() {
  CompatibleProfile profile;
  profile.logprobs = LogprobsForm::kCount;
  profile.stream_drops_candidates = true;
  profile.finish_reasons = {{"eos", FinishMeaning::kStop}};
  return profile;
}

const Profiles& All() {
  static const auto* const profiles = new Profiles{
      {"deepseek", DeepSeek()},
      {"fireworks", Fireworks()},
      {"groq", Groq()},
      {"mistral", Mistral()},
      {std::string(kOpenRouterProfile), OpenRouter()},
      {"together", Together()},
  };
  return *profiles;
}

}  // namespace

const CompatibleProfile* FindProfile(std::string_view name) {
  const auto found = All().find(name);
  return found == All().end() ? nullptr : &found->second;
}

std::string ProfileNames() {
  std::string names;
  for (const auto& [name, profile] : All())
    absl::StrAppend(&names, names.empty() ? "" : ", ", name);
  return names;
}

}  // namespace limbeck::gateway
