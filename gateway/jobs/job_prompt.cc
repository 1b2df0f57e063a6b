#include "gateway/jobs/job_prompt.h"

namespace limbeck::gateway {

absl::StatusOr<PromptTemplate> CompilePrompt(const v1::PromptTemplate& prompt) {
  PromptTemplateSource source;
  source.system = prompt.system();
  source.user = prompt.user();
  for (const v1::WorkedExample& example : prompt.examples()) {
    source.examples.push_back({example.user(), example.assistant()});
  }
  return PromptTemplate::Compile(source);
}

}  // namespace limbeck::gateway
