// A job's labels and how its answers are read, from its spec: the gateway and the trainer must
// agree about both.
#pragma once

#include "absl/status/statusor.h"
#include "cache/records/label_reader.h"
#include "limbeck/v1/job.pb.h"

namespace limbeck::cache {

// INVALID_ARGUMENT for labels that cannot be told apart.
absl::StatusOr<LabelSet> CompileLabels(const v1::ClassifyTask& task);

// Specs from before there was a choice, and AUTO, mean first tokens where candidates are asked for
// and votes otherwise; there, records say which.
LabelMethod LabelMethodOf(const v1::ClassifyTask& task);

// What its distributions come from. `spec` has its defaults filled in.
LabelSource LabelSourceOf(const v1::JobSpec& spec);

// `spec` has its defaults filled in. INVALID_ARGUMENT as CompileLabels.
absl::StatusOr<LabelReader> MakeLabelReader(const v1::JobSpec& spec);

}  // namespace limbeck::cache
