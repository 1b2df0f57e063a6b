// Between batches and the cache: who holds the claims of a batch, and how its lines are settled
// when the run that handed them over is gone.
#pragma once

#include <cstddef>
#include <functional>
#include <optional>

#include "absl/status/statusor.h"
#include "cache/client/cache_client.h"
#include "gateway/batches/batch_run.h"
#include "gateway/batches/batch_tools.h"
#include "gateway/coordination/stop_signal.h"
#include "gateway/jobs/job_context.h"
#include "limbeck/v1/job.pb.h"

namespace limbeck::gateway {

// Whether the job's teacher is asked by batch. `spec` has its defaults filled in.
bool BuysByBatch(const v1::JobSpec& spec);

// REQUIRES: the teacher's config has `batch`, and its provider is set.
BatchTools ToolsOf(const JobContext& context, const JobTeacher& teacher);

// Makes the claims of `request` the job's own instead of this process's: they outlive it, and a
// later run of the job is given them again, so that what it handed over is not bought twice.
void ClaimForBatches(const v1::DistillationJob& job, const BatchLimits& limits,
                     cache::AcquireRequest* request);

// Settles what earlier runs of the job handed over and did not see the end of; with `cancel` the
// provider is asked to end it first. Blocks until all is settled, `stop` fires (CANCELLED), or the
// operator is needed: the failure says what for. `on_waiting` as in SettleRecorded. OK at once for
// jobs that do not buy by batch.
absl::StatusOr<std::optional<Failure>> SettleEarlierBatches(
    const JobContext& context, const v1::DistillationJob& job, bool cancel, StopSignal* stop,
    const std::function<void(size_t left)>& on_waiting);

}  // namespace limbeck::gateway
