// Follows a job's phases without the cost of a command-line process a look.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "limbeck/v1/distillation_service.pb.h"

namespace limbeck::bench {

// Returns at the first event at which `phase` is done, or for which `enough` (when given) is true.
// FAILED_PRECONDITION when the job ends or pauses before.
absl::StatusOr<v1::JobEvent> WatchJob(const std::string& gateway, const std::string& id,
                                      v1::PhaseKind phase, absl::Duration timeout,
                                      bool (*enough)(const v1::JobEvent&) = nullptr);

// Start to end of a finished phase.
absl::StatusOr<double> PhaseSeconds(const v1::DistillationJob& job, v1::PhaseKind phase);

}  // namespace limbeck::bench
