#include <memory>
#include <string>

#include "CLI/CLI.hpp"
#include "base/status.h"
#include "cli/commands.h"
#include "cli/exit_codes.h"
#include "cli/job_change.h"

namespace limbeck::cli {

void AddJobsUpdate(CLI::App& jobs, Session& session) {
  auto id = std::make_shared<std::string>();
  auto max_usd = std::make_shared<std::string>();
  CLI::App* command =
      jobs.add_subcommand("update", "Change the ceiling of a job that has not ended");
  command->add_option("ID", *id, "The job")->required();
  command->add_option("--max-usd", *max_usd, "The job's new ceiling")->required();
  command->footer(
      "A job that is paused for its budget stays so: resume it.\n\n"
      "Examples:\n"
      "  limbeck jobs update job-0123456789abcdef --max-usd 30\n"
      "  limbeck jobs resume job-0123456789abcdef\n\n"
      "Exit status: 0 done, 1 the job has ended, 2 no amount of money, below what is spent and\n"
      "reserved, or above the team's ceiling.");
  command->callback([&session, id, max_usd] {
    session.set_command([&session, id, max_usd]() -> absl::StatusOr<int> {
      LIMBECK_ASSIGN_OR_RETURN(const v1::DistillationJob job, SetCeiling(session, *id, *max_usd));
      LIMBECK_RETURN_IF_ERROR(PrintJob(session, job));
      if (job.state() == v1::JOB_STATE_PAUSED && !session.options().json) {
        session.io().out << "  limbeck jobs resume " << job.id() << '\n' << std::flush;
      }
      return kExitOk;
    });
  });
}

}  // namespace limbeck::cli
