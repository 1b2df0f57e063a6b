#include "cli/follow_print.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include "base/status.h"
#include "cli/print.h"
#include "cli/progress_line.h"

namespace limbeck::cli {
namespace {

constexpr const char* kClearLine = "\r\x1b[K";
// Plain output shows progress in steps of this many percent.
constexpr double kPlainStepPercent = 5;

size_t TerminalColumns() {
  winsize size{};
  if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 20) return size.ws_col - 1;
  return 119;
}

// Shows events; remembers what was shown last.
class EventPrinter {
 public:
  explicit EventPrinter(const Io& io) : io_(io) {}

  void Show(const v1::JobEvent& event) {
    if (!event.message().empty()) {
      ClearBar();
      io_.out << FormatTime(event.time()) << "  " << event.message() << '\n';
    }
    if (io_.out_is_terminal) {
      io_.out << kClearLine << ProgressBar(event.job(), TerminalColumns());
      painted_ = true;
    } else if (IsWorthALine(event.job())) {
      io_.out << FormatTime(event.time()) << "  " << ProgressText(event.job()) << '\n';
    }
    ShowPause(event.job());
    io_.out << std::flush;
  }

  void ClearBar() {
    if (painted_) io_.out << kClearLine;
    painted_ = false;
  }

 private:
  bool IsWorthALine(const v1::DistillationJob& job) {
    const std::string stage = StageName(job);
    const double percent = job.progress().percent();
    if (stage == shown_stage_ && percent < shown_percent_ + kPlainStepPercent) return false;
    shown_stage_ = stage;
    shown_percent_ = percent;
    return true;
  }

  void ShowPause(const v1::DistillationJob& job) {
    const bool paused = job.state() == v1::JOB_STATE_PAUSED;
    if (paused && !shown_pause_) {
      ClearBar();
      io_.out << "paused (" << EnumName(v1::PauseReason_Name(job.pause_reason()), "PAUSE_REASON_")
              << "): " << job.pause_message() << "\n  limbeck jobs resume " << job.id() << '\n';
    }
    shown_pause_ = paused;
  }

  const Io& io_;
  bool painted_ = false;
  bool shown_pause_ = false;
  std::string shown_stage_;
  double shown_percent_ = -100;
};

void PrintEnd(const v1::DistillationJob& job, std::ostream& out) {
  const auto& progress = job.progress();
  out << "job " << job.id() << ' ' << EnumName(v1::JobState_Name(job.state()), "JOB_STATE_")
      << ", spent " << FormatUsd(progress.spent_micro_usd()) << '\n';
  if (job.state() == v1::JOB_STATE_FAILED) {
    out << "  " << job.error().reason() << ": " << job.error().message() << '\n';
  }
  if (job.state() == v1::JOB_STATE_SUCCEEDED) {
    out << "  verdict " << EnumName(v1::Verdict_Name(job.verdict()), "VERDICT_") << '\n'
        << "  limbeck jobs report " << job.id() << '\n'
        << "  limbeck students predict " << job.id() << " \"some text\"\n";
  }
  if (progress.queries_cached() > 0 && progress.queries_bought() == 0) {
    out << "  100 % cache hits: nothing bought\n";
  }
  out << std::flush;
}

}  // namespace

absl::StatusOr<v1::DistillationJob> FollowAndPrint(Session& session, const FollowOptions& options) {
  // Fails at once where there is no such job or no service; only a connection that once worked is
  // worth waiting for.
  LIMBECK_ASSIGN_OR_RETURN(auto* stub, session.Jobs());
  v1::GetDistillationJobRequest request;
  request.set_id(options.job_id);
  LIMBECK_RETURN_IF_ERROR(
      Call(stub, &v1::DistillationService::Stub::GetDistillationJob, request).status());
  const Io& io = session.io();
  if (session.options().json) {
    return FollowJob(session, options, [&](const v1::JobEvent& event) {
      PrintJson(event, io.out, true).IgnoreError();
    });
  }
  EventPrinter printer(io);
  auto job = FollowJob(session, options, [&](const v1::JobEvent& event) { printer.Show(event); });
  printer.ClearBar();
  if (job.ok()) PrintEnd(*job, io.out);
  return job;
}

}  // namespace limbeck::cli
