#include "gateway/jobs/job_prompt.h"

#include <utility>
#include <vector>

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

absl::StatusOr<cache::LabelSet> CompileLabels(const v1::ClassifyTask& task) {
  std::vector<cache::LabelSpec> labels;
  for (const v1::Label& label : task.labels()) {
    labels.push_back({label.name(), {label.variants().begin(), label.variants().end()}});
  }
  return cache::LabelSet::Create(std::move(labels));
}

}  // namespace limbeck::gateway
