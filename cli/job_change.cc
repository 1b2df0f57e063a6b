#include "cli/job_change.h"

#include "base/status.h"
#include "cli/print.h"
#include "cli/progress_line.h"

namespace limbeck::cli {

absl::Status PrintJob(Session& session, const v1::DistillationJob& job) {
  std::ostream& out = session.io().out;
  if (session.options().json) return PrintJson(job, out);
  out << "job       " << job.id() << '\n';
  if (!job.spec().display_name().empty()) out << "name      " << job.spec().display_name() << '\n';
  out << "state     " << EnumName(v1::JobState_Name(job.state()), "JOB_STATE_") << '\n';
  if (job.state() == v1::JOB_STATE_PAUSED) {
    out << "paused    " << EnumName(v1::PauseReason_Name(job.pause_reason()), "PAUSE_REASON_")
        << ": " << job.pause_message() << '\n';
  }
  if (job.state() == v1::JOB_STATE_FAILED) {
    out << "error     " << job.error().reason() << ": " << job.error().message() << '\n';
  }
  if (job.verdict() != v1::VERDICT_UNSPECIFIED) {
    out << "verdict   " << EnumName(v1::Verdict_Name(job.verdict()), "VERDICT_") << '\n';
  }
  out << "created   " << FormatTime(job.create_time()) << '\n';
  if (job.has_end_time()) out << "ended     " << FormatTime(job.end_time()) << '\n';
  out << "progress  " << ProgressText(job) << '\n';
  for (const auto& phase : job.phases()) {
    out << "  " << EnumName(v1::PhaseKind_Name(phase.kind()), "PHASE_KIND_") << ' '
        << EnumName(v1::PhaseStatus_Name(phase.status()), "PHASE_STATUS_") << '\n';
  }
  out << std::flush;
  return absl::OkStatus();
}

absl::StatusOr<v1::DistillationJob> SetCeiling(Session& session, const std::string& job_id,
                                               const std::string& usd) {
  v1::UpdateDistillationJobRequest request;
  request.set_id(job_id);
  LIMBECK_ASSIGN_OR_RETURN(const int64_t ceiling, ParseUsd(usd));
  request.set_ceiling_micro_usd(ceiling);
  LIMBECK_ASSIGN_OR_RETURN(auto* stub, session.Jobs());
  return Call(stub, &v1::DistillationService::Stub::UpdateDistillationJob, request);
}

}  // namespace limbeck::cli
