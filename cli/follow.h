// Follows a job's events over broken connections.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "cli/session.h"
#include "limbeck/v1/distillation_service.pb.h"

namespace limbeck::cli {

struct FollowOptions {
  std::string job_id;
  // Events after this one.
  uint64_t cursor = 0;
  // How long the service may stay unreachable before following gives up.
  absl::Duration patience = absl::Minutes(10);
};

// SUCCEEDED, FAILED or CANCELLED.
bool IsTerminal(v1::JobState state);

// Calls `on_event` for each event once and in order, reconnecting after the last cursor when the
// stream breaks; says so on the session's error stream. Returns the job as the terminal event
// reported it. UNAVAILABLE when patience ran out; other errors of the service as they are.
absl::StatusOr<v1::DistillationJob> FollowJob(
    Session& session, const FollowOptions& options,
    const std::function<void(const v1::JobEvent&)>& on_event);

// The exit status that `jobs wait --exit-status` promises for a terminal job.
int ExitCodeForJob(const v1::DistillationJob& job);

}  // namespace limbeck::cli
