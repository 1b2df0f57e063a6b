#include <memory>
#include <string>

#include "CLI/CLI.hpp"
#include "base/status.h"
#include "cli/commands.h"
#include "cli/job_change.h"

namespace limbeck::cli {

void AddJobsResume(CLI::App& jobs, Session& session) {
  auto id = std::make_shared<std::string>();
  auto ceiling = std::make_shared<std::string>();
  CLI::App* command = jobs.add_subcommand("resume", "Let a paused job go on");
  command->add_option("ID", *id, "The job")->required();
  command->add_option("--ceiling-usd", *ceiling, "First set the job's ceiling to this");
  command->footer(
      "Examples:\n"
      "  limbeck jobs resume job-0123456789abcdef\n"
      "  limbeck jobs resume job-0123456789abcdef --ceiling-usd 30\n\n"
      "Exit status: 0 done, 1 refused (for example not paused), 2 no amount of money.");
  command->callback([&session, id, ceiling] {
    session.set_command([&session, id, ceiling]() -> absl::StatusOr<int> {
      if (!ceiling->empty()) LIMBECK_RETURN_IF_ERROR(SetCeiling(session, *id, *ceiling).status());
      return ChangeJob<v1::ResumeDistillationJobRequest>(
          session, *id, &v1::DistillationService::Stub::ResumeDistillationJob);
    });
  });
}

}  // namespace limbeck::cli
