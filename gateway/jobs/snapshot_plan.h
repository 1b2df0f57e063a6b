// Turns a finished harvest into what trainers read: three snapshots in row order, and the
// assignment that names them.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "gateway/jobs/harvest.h"
#include "gateway/jobs/job_context.h"
#include "limbeck/v1/job.pb.h"
#include "limbeck/v1/worker_service.pb.h"

namespace limbeck::gateway {

// Rejected rows and rows without any answer are left out. Idempotent: the same records give the
// same snapshots. FAILED_PRECONDITION when no training or no held-out row is left. UNAVAILABLE when
// the cache went away: call again.
absl::StatusOr<v1::WorkResponse::Assignment> MakeTrainingPlan(const JobContext& context,
                                                              const v1::DistillationJob& job,
                                                              const HarvestCounts& counts);

}  // namespace limbeck::gateway
