#include <memory>
#include <string>

#include "CLI/CLI.hpp"
#include "cli/commands.h"
#include "cli/job_change.h"

namespace limbeck::cli {

void AddJobsGet(CLI::App& jobs, Session& session) {
  auto id = std::make_shared<std::string>();
  CLI::App* command = jobs.add_subcommand("get", "Show one job");
  command->add_option("ID", *id, "The job")->required();
  command->footer(
      "Example:\n"
      "  limbeck jobs get job-0123456789abcdef --json\n\n"
      "Exit status: 0 done, 1 the service refused or could not be reached.");
  command->callback([&session, id] {
    session.set_command([&session, id] {
      return ChangeJob<v1::GetDistillationJobRequest>(
          session, *id, &v1::DistillationService::Stub::GetDistillationJob);
    });
  });
}

}  // namespace limbeck::cli
