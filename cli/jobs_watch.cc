#include <cstdint>
#include <memory>
#include <string>

#include "CLI/CLI.hpp"
#include "base/status.h"
#include "cli/commands.h"
#include "cli/exit_codes.h"
#include "cli/follow_print.h"

namespace limbeck::cli {

void AddJobsWatch(CLI::App& jobs, Session& session) {
  auto options = std::make_shared<FollowOptions>();
  CLI::App* command = jobs.add_subcommand(
      "watch", "Follow a job until it ends; goes on by itself when the connection breaks");
  command->add_option("ID", options->job_id, "The job")->required();
  command->add_option("--from", options->cursor, "Start after this event (with --json: `cursor`)")
      ->capture_default_str();
  command->footer(
      "Examples:\n"
      "  limbeck jobs watch job-0123456789abcdef\n"
      "  limbeck jobs watch job-0123456789abcdef --json | jq .job.progress\n\n"
      "Exit status: 0 the job ended in whatever way (see jobs wait), 1 it could not be followed.");
  command->callback([&session, options] {
    session.set_command([&session, options]() -> absl::StatusOr<int> {
      LIMBECK_RETURN_IF_ERROR(FollowAndPrint(session, *options).status());
      return kExitOk;
    });
  });
}

}  // namespace limbeck::cli
