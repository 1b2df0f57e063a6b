// A job's prompt, compiled from its spec.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
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

}  // namespace limbeck::gateway
