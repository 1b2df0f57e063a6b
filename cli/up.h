// `limbeck up`: everything on this machine.
#pragma once

#include "absl/status/statusor.h"
#include "cli/session.h"
#include "cli/up_config.h"

namespace limbeck::cli {

// Hosts cache and gateway in this process and keeps trainers running beside it until SIGINT or
// SIGTERM; then drains and stops them. Returns the exit status. FAILED_PRECONDITION when the data
// folder is in use (the message says by whom), UNAVAILABLE when an address is taken.
absl::StatusOr<int> Up(Session& session, const UpOptions& options);

}  // namespace limbeck::cli
