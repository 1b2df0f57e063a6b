// The job manager behind the interface that services use.
#pragma once

#include <memory>

#include "absl/status/statusor.h"
#include "gateway/service/job_control.h"

namespace limbeck::gateway {

// Opens a JobManager; errors are its own.
absl::StatusOr<std::unique_ptr<JobControl>> OpenManagedJobs(const JobContext& context);

}  // namespace limbeck::gateway
