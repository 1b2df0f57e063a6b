#include "gateway/jobs/job_manager.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/log.h"
#include "base/status.h"
#include "gateway/jobs/deterministic_bytes.h"
#include "gateway/jobs/fault.h"
#include "gateway/jobs/job_runner.h"
#include "gateway/jobs/quote.h"
#include "gateway/jobs/state_machine.h"

namespace limbeck::gateway {
namespace {

constexpr size_t kMaxRequestIdBytes = 100;
// After a run that the store or the cache cut short.
constexpr absl::Duration kRunAgainAfter = absl::Seconds(2);

// What is known before the first query.
v1::Progress ProgressOf(const CheckedJob& job) {
  v1::Progress progress;
  const int64_t ceiling = job.spec.budget().ceiling_micro_usd();
  progress.set_queries_total(job.quote.queries());
  progress.set_projected_low_micro_usd(std::min(ceiling, job.quote.low_micro_usd()));
  progress.set_projected_high_micro_usd(std::min(ceiling, job.quote.estimate_high_micro_usd()));
  return progress;
}

}  // namespace

struct JobManager::Run {
  std::string id;
  std::thread thread;
  // Guarded by the manager's mutex.
  std::shared_ptr<StopSignal> stop = std::make_shared<StopSignal>();
  bool again = false;  // The job changed: look at it once more.
  bool finished = false;
};

absl::StatusOr<std::unique_ptr<JobManager>> JobManager::Open(JobContext context) {
  if (context.incarnation == 0) {
    LIMBECK_ASSIGN_OR_RETURN(context.incarnation, context.store->NextIncarnation());
  }
  return std::unique_ptr<JobManager>(new JobManager(std::move(context)));
}

JobManager::JobManager(JobContext context) : context_(std::move(context)) {}

JobManager::~JobManager() { Stop(); }

absl::StatusOr<v1::Quote> JobManager::Quote(const v1::JobSpec& spec) {
  LIMBECK_ASSIGN_OR_RETURN(CheckedJob job, CheckJob(context_, spec));
  return std::move(job.quote);
}

absl::StatusOr<v1::DistillationJob> JobManager::Create(
    const v1::CreateDistillationJobRequest& request) {
  if (request.request_id().empty() || request.request_id().size() > kMaxRequestIdBytes) {
    return InvalidFields(
        "the request",
        {{"request_id", absl::StrCat("has ", request.request_id().size(), " bytes; expected 1 to ",
                                     kMaxRequestIdBytes)}});
  }
  LIMBECK_ASSIGN_OR_RETURN(const auto earlier,
                           context_.store->FindRequest(context_.team, request.request_id()));
  if (earlier.has_value()) {
    // What has been accepted is not judged again: money has been spent since.
    const v1::JobSpec spec = WithDefaults(context_, request.spec());
    // An older version kept the spec without the defaults of fields that it did not know.
    const v1::JobSpec kept = WithDefaults(context_, earlier->spec());
    if (DeterministicBytes(kept) == DeterministicBytes(spec)) return *earlier;
    return context_.store->Create(context_.team, request.request_id(), spec);
  }
  LIMBECK_ASSIGN_OR_RETURN(CheckedJob job, CheckJob(context_, request.spec()));
  for (Fault& fault : CheckQuoteId(request.quote_id(), job, context_.clock->WallNow())) {
    job.faults.push_back(std::move(fault));
  }
  LIMBECK_RETURN_IF_ERROR(FaultsToStatus(job.faults));
  if (request.validate_only()) {
    v1::DistillationJob would_be;
    would_be.set_team(context_.team);
    *would_be.mutable_spec() = job.spec;
    would_be.set_state(v1::JOB_STATE_VALIDATING);
    return would_be;
  }
  LIMBECK_ASSIGN_OR_RETURN(
      v1::DistillationJob created,
      context_.store->Create(context_.team, request.request_id(), job.spec, ProgressOf(job)));
  Ensure(created.id());
  return created;
}

absl::StatusOr<v1::DistillationJob> JobManager::Change(
    const std::string& id, const std::string& message,
    const std::function<absl::Status(v1::DistillationJob*)>& change) {
  return context_.store->Update(id, change, message);
}

absl::StatusOr<v1::DistillationJob> JobManager::UpdateCeiling(const std::string& id,
                                                              int64_t micro_usd) {
  LIMBECK_ASSIGN_OR_RETURN(const v1::DistillationJob job, context_.store->Get(id));
  if (IsTerminal(job.state())) {
    return absl::FailedPreconditionError(
        absl::StrCat("job ", id, " is ", StateName(job.state()), "; its ceiling is history"));
  }
  LIMBECK_ASSIGN_OR_RETURN(const auto accounts, context_.cache->GetSpend({JobAccount(id)}));
  const int64_t used =
      accounts.empty() ? 0 : accounts[0].spent_micro_usd + accounts[0].reserved_micro_usd;
  const bool over_team =
      context_.team_ceiling_micro_usd > 0 && micro_usd > context_.team_ceiling_micro_usd;
  if (micro_usd < used || over_team) {
    return InvalidFields(
        "the request",
        {{"ceiling_micro_usd",
          over_team
              ? absl::StrCat("is ", micro_usd, ", above the team's ceiling of ",
                             context_.team_ceiling_micro_usd,
                             " micro-USD; have the operator raise that first")
              : absl::StrCat("is ", micro_usd, ", below the ", used,
                             " micro-USD that are spent and reserved already; give at least that, "
                             "or pause or cancel the job")}});
  }
  // The store first: a runner that sets the account up looks there (JobRunner::PrepareAccounts).
  LIMBECK_ASSIGN_OR_RETURN(
      v1::DistillationJob changed,
      Change(id, absl::StrCat("ceiling is now ", micro_usd, " micro-USD"),
             [&](v1::DistillationJob* changing) {
               changing->mutable_spec()->mutable_budget()->set_ceiling_micro_usd(micro_usd);
               changing->mutable_progress()->set_ceiling_micro_usd(micro_usd);
               return absl::OkStatus();
             }));
  LIMBECK_RETURN_IF_ERROR(context_.cache->SetCeiling(JobAccount(id), micro_usd).status());
  return changed;
}

absl::StatusOr<v1::DistillationJob> JobManager::Pause(const std::string& id) {
  LIMBECK_ASSIGN_OR_RETURN(v1::DistillationJob job,
                           Change(id, "paused by a person", [](v1::DistillationJob* changed) {
                             if (changed->state() == v1::JOB_STATE_PAUSED) {
                               return absl::FailedPreconditionError("the job is paused already");
                             }
                             changed->set_state(v1::JOB_STATE_PAUSED);
                             changed->set_pause_reason(v1::PAUSE_REASON_USER);
                             changed->set_pause_message("a person paused it; resume it to go on");
                             return absl::OkStatus();
                           }));
  SignalRun(id);
  return job;
}

absl::StatusOr<v1::DistillationJob> JobManager::Resume(const std::string& id) {
  LIMBECK_ASSIGN_OR_RETURN(
      v1::DistillationJob job, Change(id, "resumed", [](v1::DistillationJob* changed) {
        if (changed->state() != v1::JOB_STATE_PAUSED) {
          return absl::FailedPreconditionError(
              absl::StrCat("the job is ", StateName(changed->state()), ", not PAUSED"));
        }
        if (changed->pause_reason() == v1::PAUSE_REASON_REJECTIONS) {
          changed->mutable_spec()->set_max_rejected_share(1.0);
          changed->mutable_spec()->mutable_smoke()->set_usable(0);
        }
        changed->set_state(v1::JOB_STATE_QUEUED);
        return absl::OkStatus();
      }));
  Ensure(id);
  return job;
}

absl::StatusOr<v1::DistillationJob> JobManager::Cancel(const std::string& id) {
  LIMBECK_ASSIGN_OR_RETURN(v1::DistillationJob job,
                           Change(id, "being cancelled", [](v1::DistillationJob* changed) {
                             changed->set_state(v1::JOB_STATE_CANCELLING);
                             return absl::OkStatus();
                           }));
  SignalRun(id);
  Ensure(id);
  return job;
}

absl::Status JobManager::Start() {
  {
    absl::MutexLock lock(&mu_);
    started_ = true;
  }
  LIMBECK_ASSIGN_OR_RETURN(const std::vector<std::string> ids, context_.store->ListUnfinished());
  for (const std::string& id : ids) Ensure(id);
  return absl::OkStatus();
}

void JobManager::Stop() {
  std::vector<std::unique_ptr<Run>> runs;
  {
    absl::MutexLock lock(&mu_);
    stopping_ = true;
    for (auto& [id, run] : runs_) runs.push_back(std::move(run));
    runs_.clear();
    for (const auto& run : runs) run->stop->Fire();
  }
  // Calls that wait for their turn, perhaps for minutes, are given back; those on the way come in.
  for (const auto& [name, teacher] : *context_.teachers) teacher.client->Shutdown();
  const bool finished = AwaitFinished(runs);
  if (!finished) {
    for (const auto& [name, teacher] : *context_.teachers) teacher.client->GiveUp();
  }
  for (const auto& run : runs) run->thread.join();
  if (finished) return;
  uint64_t given_up = 0;
  for (const auto& [name, teacher] : *context_.teachers) {
    given_up += teacher.client->state().given_up;
  }
  LIMBECK_LOG(WARNING) << "calls were given up at the end of the drain; they are ambiguous in the "
                          "ledger"
                       << LogField("calls", given_up)
                       << LogField("drain", absl::FormatDuration(context_.drain_for));
}

bool JobManager::AwaitFinished(const std::vector<std::unique_ptr<Run>>& runs) {
  const auto finished = [&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
    return std::all_of(runs.begin(), runs.end(), [](const auto& run) { return run->finished; });
  };
  absl::MutexLock lock(&mu_);
  return mu_.AwaitWithTimeout(absl::Condition(&finished), context_.drain_for);
}

void JobManager::ReapLocked() {
  for (auto it = runs_.begin(); it != runs_.end();) {
    if (!it->second->finished) {
      ++it;
      continue;
    }
    // It is past its last use of the mutex but for leaving it.
    it->second->thread.join();
    it = runs_.erase(it);
  }
}

void JobManager::Ensure(const std::string& id) {
  absl::MutexLock lock(&mu_);
  if (!started_ || stopping_) return;
  ReapLocked();
  std::unique_ptr<Run>& run = runs_[id];
  if (run != nullptr) {
    run->again = true;
    return;
  }
  run = std::make_unique<Run>();
  run->id = id;
  run->again = true;
  run->thread = std::thread([this, raw = run.get()] { RunJob(raw); });
}

void JobManager::SignalRun(const std::string& id) {
  absl::MutexLock lock(&mu_);
  const auto it = runs_.find(id);
  if (it != runs_.end()) it->second->stop->Fire();
}

void JobManager::RunJob(Run* run) {
  while (true) {
    std::shared_ptr<StopSignal> stop;
    {
      absl::MutexLock lock(&mu_);
      if (stopping_ || !run->again) {
        run->finished = true;
        return;
      }
      run->again = false;
      run->stop = std::make_shared<StopSignal>();
      stop = run->stop;
    }
    JobRunner runner(context_, run->id, stop.get());
    const absl::Status status = runner.Run();
    if (status.ok()) continue;
    LIMBECK_LOG(WARNING) << "job will be taken up again" << LogField("job", run->id)
                         << LogField("why", status);
    stop->WaitFor(kRunAgainAfter);
    absl::MutexLock lock(&mu_);
    run->again = true;
  }
}

size_t JobManager::running() const {
  absl::MutexLock lock(&mu_);
  size_t running = 0;
  for (const auto& [id, run] : runs_) running += run->finished ? 0 : 1;
  return running;
}

}  // namespace limbeck::gateway
