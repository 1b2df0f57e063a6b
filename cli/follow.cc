#include "cli/follow.h"

#include <optional>

#include "base/backoff.h"
#include "base/status.h"
#include "cli/exit_codes.h"

namespace limbeck::cli {
namespace {

// Errors that a new connection may cure.
bool IsTransient(absl::StatusCode code) {
  switch (code) {
    case absl::StatusCode::kUnavailable:
    case absl::StatusCode::kCancelled:
    case absl::StatusCode::kAborted:
    case absl::StatusCode::kDeadlineExceeded:
      return true;
    default:
      return false;
  }
}

// One connection's worth of following.
class Follower {
 public:
  Follower(v1::DistillationService::Stub* stub, const FollowOptions& options,
           const std::function<void(const v1::JobEvent&)>& on_event)
      : stub_(stub), job_id_(options.job_id), cursor_(options.cursor), on_event_(on_event) {}

  // Reads until the stream ends. OK when it ended by itself.
  absl::Status ReadOnce() {
    grpc::ClientContext context;
    v1::WatchDistillationJobRequest request;
    request.set_id(job_id_);
    request.set_cursor(cursor_);
    const auto reader = stub_->WatchDistillationJob(&context, request);
    v1::JobEvent event;
    made_progress_ = false;
    while (reader->Read(&event)) {
      made_progress_ = true;
      if (event.cursor() <= cursor_) continue;  // Seen before the connection broke.
      cursor_ = event.cursor();
      on_event_(event);
      if (IsTerminal(event.job().state())) last_ = event.job();
    }
    const grpc::Status status = reader->Finish();
    return status.ok() ? absl::OkStatus() : rpc::FromGrpc(status);
  }

  bool made_progress() const { return made_progress_; }
  const std::optional<v1::DistillationJob>& last() const { return last_; }

 private:
  v1::DistillationService::Stub* const stub_;
  const std::string job_id_;
  uint64_t cursor_;
  const std::function<void(const v1::JobEvent&)>& on_event_;
  bool made_progress_ = false;
  std::optional<v1::DistillationJob> last_;
};

}  // namespace

bool IsTerminal(v1::JobState state) {
  return state == v1::JOB_STATE_SUCCEEDED || state == v1::JOB_STATE_FAILED ||
         state == v1::JOB_STATE_CANCELLED;
}

absl::StatusOr<v1::DistillationJob> FollowJob(
    Session& session, const FollowOptions& options,
    const std::function<void(const v1::JobEvent&)>& on_event) {
  LIMBECK_ASSIGN_OR_RETURN(auto* stub, session.Jobs());
  Follower follower(stub, options, on_event);
  Backoff backoff(BackoffPolicy{.initial = absl::Milliseconds(250), .max = absl::Seconds(5)},
                  StableRandom(1, 0));
  std::optional<SteadyTime> lost_since;
  for (;;) {
    absl::Status status = follower.ReadOnce();
    if (follower.last().has_value()) return *follower.last();
    if (status.ok()) {
      // A stream that ends early was cut by a server that is shutting down; or every event, the
      // terminal one included, lies before the cursor.
      v1::GetDistillationJobRequest request;
      request.set_id(options.job_id);
      auto job = Call(stub, &v1::DistillationService::Stub::GetDistillationJob, request);
      if (job.ok() && IsTerminal(job->state())) return job;
      status = job.ok() ? absl::UnavailableError("the event stream ended") : job.status();
    }
    if (!IsTransient(status.code())) return status;
    const SteadyTime now = session.clock()->Now();
    if (follower.made_progress()) {
      lost_since.reset();
      backoff.Reset();
    }
    if (!lost_since.has_value()) {
      lost_since = now;
      session.io().err << "limbeck: connection lost (" << status.message() << "); trying again\n"
                       << std::flush;
    } else if (now - *lost_since > options.patience) {
      return Annotate(status, "gave up following the job");
    }
    session.clock()->SleepFor(backoff.Next());
  }
}

int ExitCodeForJob(const v1::DistillationJob& job) {
  switch (job.state()) {
    case v1::JOB_STATE_CANCELLED:
      return kExitCancelled;
    case v1::JOB_STATE_SUCCEEDED:
      break;
    default:
      return kExitFailure;
  }
  switch (job.verdict()) {
    case v1::VERDICT_ACCEPT:
      return kExitOk;
    case v1::VERDICT_REJECT:
      return kExitRejected;
    default:
      return kExitInconclusive;
  }
}

}  // namespace limbeck::cli
