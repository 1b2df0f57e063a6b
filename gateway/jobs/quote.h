// What a job would do and cost, found by walking everything that it would ask.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "gateway/jobs/fault.h"
#include "gateway/jobs/job_context.h"
#include "limbeck/v1/distillation_service.pb.h"
#include "limbeck/v1/job.pb.h"

namespace limbeck::gateway {

struct CheckedJob {
  // Defaults filled in.
  v1::JobSpec spec;
  v1::Quote quote;
  // Everything that is wrong; empty when the job may run.
  std::vector<Fault> faults;
};

// Fills in defaults, checks the spec, then every row: prompt, input, gold label. Looks up which
// queries are already bought; buys nothing. Memory: that of RowWalk and DistinctQueries. Errors are
// those of reading datasets and of asking the cache.
absl::StatusOr<CheckedJob> CheckJob(const JobContext& context, const v1::JobSpec& asked);

// `asked` with its defaults filled in.
v1::JobSpec WithDefaults(const JobContext& context, v1::JobSpec asked);

// QUOTE_STALE as a fault when `quote_id` was given for another spec, has expired, or promised less
// than the job may cost now.
std::vector<Fault> CheckQuoteId(const std::string& quote_id, const CheckedJob& job, absl::Time now);

}  // namespace limbeck::gateway
