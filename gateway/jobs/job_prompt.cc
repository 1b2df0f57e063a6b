#include "gateway/jobs/job_prompt.h"

#include <utility>

#include "absl/strings/str_cat.h"

namespace limbeck::gateway {

std::vector<NamedPrompt> PromptsOf(const v1::DataSpec& data) {
  std::vector<NamedPrompt> prompts;
  for (int i = 0; i < data.expansion().templates_size(); ++i) {
    prompts.push_back({absl::StrCat("data.expansion.templates[", i, "].prompt"),
                       &data.expansion().templates(i).prompt()});
  }
  if (prompts.empty()) prompts.push_back({"data.prompt", &data.prompt()});
  return prompts;
}

absl::StatusOr<PromptTemplate> CompilePrompt(const v1::PromptTemplate& prompt) {
  PromptTemplateSource source;
  source.system = prompt.system();
  source.user = prompt.user();
  for (const v1::WorkedExample& example : prompt.examples()) {
    source.examples.push_back({example.user(), example.assistant()});
  }
  for (const v1::PromptTurn& turn : prompt.turns()) {
    source.turns.push_back({turn.role(), turn.content()});
  }
  return PromptTemplate::Compile(source);
}

}  // namespace limbeck::gateway
