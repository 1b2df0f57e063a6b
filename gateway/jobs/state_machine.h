// Which state of a job may follow which. The one place that knows; the store asks it for every
// change.
#pragma once

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "limbeck/v1/job.pb.h"

namespace limbeck::gateway {

// SUCCEEDED, FAILED or CANCELLED: nothing changes any more.
bool IsTerminal(v1::JobState state);

// QUEUED, RUNNING or CANCELLING: a runner must be at work, also after a restart.
bool NeedsRunner(v1::JobState state);

// "RUNNING" for JOB_STATE_RUNNING.
std::string StateName(v1::JobState state);

// OK when a job may go from `from` to `to`; staying is always allowed. FAILED_PRECONDITION names
// the state the job is in and those from which `to` can be reached.
absl::Status CheckTransition(v1::JobState from, v1::JobState to);

}  // namespace limbeck::gateway
