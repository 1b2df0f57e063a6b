#include <memory>

#include "CLI/CLI.hpp"
#include "base/status.h"
#include "cli/commands.h"
#include "cli/exit_codes.h"
#include "cli/follow.h"
#include "cli/print.h"

namespace limbeck::cli {
namespace {

absl::StatusOr<int> WaitForEnd(Session& session, const FollowOptions& options, bool exit_status) {
  LIMBECK_ASSIGN_OR_RETURN(auto* stub, session.Jobs());
  v1::GetDistillationJobRequest request;
  request.set_id(options.job_id);
  LIMBECK_RETURN_IF_ERROR(
      Call(stub, &v1::DistillationService::Stub::GetDistillationJob, request).status());
  bool paused = false;
  LIMBECK_ASSIGN_OR_RETURN(
      const auto job, FollowJob(session, options, [&](const v1::JobEvent& event) {
        const bool now_paused = event.job().state() == v1::JOB_STATE_PAUSED;
        if (now_paused && !paused) {
          session.io().err << "limbeck: paused: " << event.job().pause_message() << std::endl;
        }
        paused = now_paused;
      }));
  if (session.options().json) {
    LIMBECK_RETURN_IF_ERROR(PrintJson(job, session.io().out));
  } else {
    session.io().out << EnumName(v1::JobState_Name(job.state()), "JOB_STATE_");
    if (job.verdict() != v1::VERDICT_UNSPECIFIED) {
      session.io().out << ' ' << EnumName(v1::Verdict_Name(job.verdict()), "VERDICT_");
    }
    session.io().out << std::endl;
  }
  return exit_status ? ExitCodeForJob(job) : kExitOk;
}

}  // namespace

void AddJobsWait(CLI::App& jobs, Session& session) {
  auto options = std::make_shared<FollowOptions>();
  auto exit_status = std::make_shared<bool>(false);
  CLI::App* command = jobs.add_subcommand("wait", "Wait in silence until a job has ended");
  command->add_option("ID", options->job_id, "The job")->required();
  command->add_flag("--exit-status", *exit_status, "Tell how it ended by the exit status");
  command->footer(
      "Example:\n"
      "  limbeck jobs wait job-0123456789abcdef --exit-status && deploy\n\n"
      "Exit status with --exit-status: 0 accepted, 1 failed, 3 rejected, 4 inconclusive,\n"
      "5 cancelled. A paused job is waited for; the reason is printed.");
  command->callback([&session, options, exit_status] {
    session.set_command(
        [&session, options, exit_status] { return WaitForEnd(session, *options, *exit_status); });
  });
}

}  // namespace limbeck::cli
