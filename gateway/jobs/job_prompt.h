// A job's prompt, compiled from its spec.
#pragma once

#include "absl/status/statusor.h"
#include "gateway/templates/prompt_template.h"
#include "limbeck/v1/job.pb.h"

namespace limbeck::gateway {

// INVALID_ARGUMENT lists every part that does not compile.
absl::StatusOr<PromptTemplate> CompilePrompt(const v1::PromptTemplate& prompt);

}  // namespace limbeck::gateway
