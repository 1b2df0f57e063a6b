// Follows a job and shows it: a painted line on a terminal, plain lines elsewhere.
#pragma once

#include "cli/follow.h"

namespace limbeck::cli {

// Prints to the session's output until the job ends; with --json one event a line. Returns the job
// as it ended, and tells its end (verdict, error, next commands) to people.
absl::StatusOr<v1::DistillationJob> FollowAndPrint(Session& session, const FollowOptions& options);

}  // namespace limbeck::cli
