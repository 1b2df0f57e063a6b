// A job's noise on prompts, compiled from its spec, and what may be wrong with it.
#pragma once

#include "absl/status/statusor.h"
#include "gateway/jobs/fault_list.h"
#include "gateway/noise/prompt_noise.h"
#include "limbeck/v1/job.pb.h"

namespace limbeck::gateway {

// INVALID_ARGUMENT for synonyms that cannot be read, or a field out of its range.
absl::StatusOr<PromptNoiseSpec> CompilePromptNoise(const v1::PromptNoise& noise);

// Every fault of noise on prompts and on outputs.
void CheckNoise(const v1::NoiseSpec& noise, FaultList* faults);

}  // namespace limbeck::gateway
