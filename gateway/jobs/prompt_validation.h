// Checks the templates of a job and how they vary; part of ValidateSpec.
#pragma once

#include <string>
#include <string_view>

#include "gateway/jobs/fault_list.h"
#include "gateway/jobs/spec_validation.h"
#include "limbeck/v1/job.pb.h"

namespace limbeck::gateway {

// Whether the dataset's first row has the column.
bool HasColumn(const v1::Dataset& dataset, std::string_view name);

// Every template part of the job: whether it compiles, and variables that neither a column nor the
// expansion gives.
void CheckPrompts(const v1::JobSpec& spec, const SpecContext& context, FaultList* faults);

// `data.expansion` and `teachers[].temperatures`: names, values, weights, fragments, examples, and
// whether the whole job stays within the limits of Expansion and VariantSpace.
void CheckExpansion(const v1::JobSpec& spec, const SpecContext& context, FaultList* faults);

}  // namespace limbeck::gateway
