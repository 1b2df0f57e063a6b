// A job's prompt and labels, compiled from its spec.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "cache/records/label_distribution.h"
#include "gateway/templates/prompt_template.h"
#include "limbeck/v1/job.pb.h"

namespace limbeck::gateway {

// A template of the job and its field: "data.prompt", "data.expansion.templates[1].prompt".
struct NamedPrompt {
  std::string field;
  const v1::PromptTemplate* prompt = nullptr;
};

// The templates of the expansion, else the one prompt; borrowed from `data`.
std::vector<NamedPrompt> PromptsOf(const v1::DataSpec& data);

// INVALID_ARGUMENT lists every part that does not compile.
absl::StatusOr<PromptTemplate> CompilePrompt(const v1::PromptTemplate& prompt);

// INVALID_ARGUMENT for labels that cannot be told apart.
absl::StatusOr<cache::LabelSet> CompileLabels(const v1::ClassifyTask& task);

}  // namespace limbeck::gateway
