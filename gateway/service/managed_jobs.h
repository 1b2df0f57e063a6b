// The job manager behind the interface that services use.
#pragma once

#include <memory>

#include "absl/status/statusor.h"
#include "gateway/service/job_control.h"

namespace limbeck::gateway {

// Opens a JobManager over `parts`; errors are its own.
absl::StatusOr<std::unique_ptr<JobControl>> OpenManagedJobs(const JobParts& parts);

}  // namespace limbeck::gateway
