#include "gateway/jobs/job_runner.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/error_details.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/status.h"
#include "cache/client/accounts.h"
#include "gateway/jobs/cost_projection.h"
#include "gateway/jobs/job_phases.h"
#include "gateway/jobs/snapshot_plan.h"
#include "gateway/jobs/state_machine.h"

namespace limbeck::gateway {
namespace {

// Answers are about this part of a job's way, for its percentage.
constexpr double kHarvestShare = 50.0;

// From what queries cost so far; before any was resolved the quote's estimates stay.
void SetProjection(const HarvestCounts& counts, double share, v1::Progress* progress) {
  if (counts.cost.cached + counts.cost.bought == 0) return;
  const auto left = static_cast<uint64_t>(
      std::llround(static_cast<double>(counts.queries_total) * (1.0 - std::min(share, 1.0))));
  const CostProjection projection =
      ProjectCost(counts.cost, left, progress->spent_micro_usd(), progress->ceiling_micro_usd());
  progress->set_projected_low_micro_usd(projection.low_micro_usd);
  progress->set_projected_high_micro_usd(projection.high_micro_usd);
}

// At the pace of this run; what earlier runs settled took none of its `seconds`.
double SecondsLeft(const HarvestCounts& counts, double share, double seconds) {
  const double before =
      static_cast<double>(counts.items_before) / static_cast<double>(counts.items_total);
  return share > before ? seconds * (1.0 - share) / (share - before) : 0.0;
}

struct Pause {
  HarvestOutcome::End end;
  v1::PauseReason reason;
};
constexpr Pause kPauses[] = {
    {HarvestOutcome::End::kBudget, v1::PAUSE_REASON_BUDGET},
    {HarvestOutcome::End::kRejections, v1::PAUSE_REASON_REJECTIONS},
    {HarvestOutcome::End::kTeacher, v1::PAUSE_REASON_TEACHER},
    {HarvestOutcome::End::kDisk, v1::PAUSE_REASON_DISK},
};

// For the event that ends the harvest.
std::string CalibrationNote(const v1::ClassifyTask& task) {
  if (!task.has_calibration()) return "";
  const v1::ClassifyTask::Calibration& fit = task.calibration();
  return absl::StrCat("; stated numbers are calibrated with temperature ", fit.temperature(),
                      " on ", fit.gold_rows(), " validation rows with gold");
}

}  // namespace

absl::Status JobRunner::Change(const std::function<void(v1::DistillationJob*)>& change,
                               std::string_view message) {
  return context_.store
      ->Update(
          id_,
          [&](v1::DistillationJob* job) {
            if (job->state() != v1::JOB_STATE_RUNNING) {
              return absl::CancelledError("the job is not running any more");
            }
            change(job);
            return absl::OkStatus();
          },
          message)
      .status();
}

absl::Status JobRunner::Run() {
  LIMBECK_ASSIGN_OR_RETURN(v1::DistillationJob job, context_.store->Get(id_));
  if (job.state() == v1::JOB_STATE_CANCELLING) return FinishCancelling();
  if (job.state() == v1::JOB_STATE_QUEUED) {
    const auto started = context_.store->Update(
        id_,
        [](v1::DistillationJob* queued) {
          if (queued->state() != v1::JOB_STATE_QUEUED) return absl::CancelledError("not queued");
          queued->set_state(v1::JOB_STATE_RUNNING);
          return absl::OkStatus();
        },
        "running");
    if (absl::IsCancelled(started.status())) return absl::OkStatus();
    LIMBECK_RETURN_IF_ERROR(started.status());
    job = *started;
  }
  if (job.state() != v1::JOB_STATE_RUNNING) return absl::OkStatus();

  const auto work = [&]() -> absl::Status {
    LIMBECK_ASSIGN_OR_RETURN(const auto report, context_.store->GetReport(id_));
    if (report.has_value() && context_.artifacts->Has(id_)) return Succeed(*report);
    LIMBECK_ASSIGN_OR_RETURN(const auto plan, context_.store->GetPlan(id_));
    if (!plan.has_value()) {
      LIMBECK_RETURN_IF_ERROR(PrepareAccounts(job));
      LIMBECK_ASSIGN_OR_RETURN(const bool smoked, Smoke(job));
      if (!smoked) return absl::OkStatus();
      LIMBECK_ASSIGN_OR_RETURN(const bool harvested, HarvestAll(job));
      if (!harvested) return absl::OkStatus();
    }
    return Train();
  };
  absl::Status status = work();
  // Whoever stopped or changed the job has said so in its state.
  if (stop_->fired() || absl::IsCancelled(status)) status = absl::OkStatus();
  if (status.ok()) {
    LIMBECK_ASSIGN_OR_RETURN(job, context_.store->Get(id_));
    if (job.state() == v1::JOB_STATE_CANCELLING) return FinishCancelling();
    return absl::OkStatus();
  }
  if (absl::IsResourceExhausted(status)) {
    HarvestOutcome full;
    full.end = HarvestOutcome::End::kDisk;
    full.message =
        absl::StrCat(absl::string_view(status.message()), "; free some space, then resume");
    return Heed(full).status();
  }
  if (absl::IsUnavailable(status) || absl::IsDeadlineExceeded(status)) return status;
  LIMBECK_LOG(ERROR) << "job failed" << LogField("job", id_) << LogField("why", status);
  return Fail(status, "INTERNAL");
}

absl::Status JobRunner::FinishCancelling() {
  return context_.store
      ->Update(
          id_,
          [](v1::DistillationJob* job) {
            job->set_state(v1::JOB_STATE_CANCELLED);
            return absl::OkStatus();
          },
          "cancelled; what was bought stays in the cache")
      .status();
}

absl::Status JobRunner::Fail(const absl::Status& why, std::string_view reason) {
  const auto named = GetReason(why);
  return Change(
      [&](v1::DistillationJob* job) {
        job->set_state(v1::JOB_STATE_FAILED);
        job->mutable_error()->set_reason(named.has_value() ? named->reason : std::string(reason));
        job->mutable_error()->set_message(std::string(ToStd(why.message())));
      },
      absl::StrCat("failed: ", absl::string_view(why.message())));
}

absl::Status JobRunner::PrepareAccounts(const v1::DistillationJob& job) {
  const int64_t team =
      context_.team_ceiling_micro_usd > 0 ? context_.team_ceiling_micro_usd : cache::kNoCeiling;
  LIMBECK_RETURN_IF_ERROR(context_.cache
                              ->SetCeiling(cache::TeamAccount(context_.team), team,
                                           context_.team_month_ceiling_micro_usd)
                              .status());
  // A person may change the ceiling meanwhile, in the store first and then in the cache: what is
  // set here must not undo that.
  int64_t ceiling = job.spec().budget().ceiling_micro_usd();
  while (true) {
    LIMBECK_RETURN_IF_ERROR(context_.cache->SetCeiling(JobAccount(id_), ceiling).status());
    LIMBECK_ASSIGN_OR_RETURN(const v1::DistillationJob now, context_.store->Get(id_));
    if (now.spec().budget().ceiling_micro_usd() == ceiling) return absl::OkStatus();
    ceiling = now.spec().budget().ceiling_micro_usd();
  }
}

absl::StatusOr<bool> JobRunner::Heed(const HarvestOutcome& outcome) {
  if (outcome.end == HarvestOutcome::End::kDone) return true;
  for (const Pause& pause : kPauses) {
    if (pause.end != outcome.end) continue;
    LIMBECK_RETURN_IF_ERROR(Change(
        [&](v1::DistillationJob* job) {
          job->set_state(v1::JOB_STATE_PAUSED);
          job->set_pause_reason(pause.reason);
          job->set_pause_message(outcome.message);
        },
        absl::StrCat("paused: ", outcome.message)));
  }
  return false;
}

absl::StatusOr<HarvestOutcome> JobRunner::RunHarvest(
    const v1::DistillationJob& job,
    const std::function<absl::StatusOr<HarvestOutcome>(Harvest*)>& run) {
  const v1::PhaseKind phase = PhaseStatusOf(job, v1::PHASE_KIND_SMOKE) == v1::PHASE_STATUS_RUNNING
                                  ? v1::PHASE_KIND_SMOKE
                                  : v1::PHASE_KIND_HARVEST;
  phase_start_ = context_.clock->Now();
  LIMBECK_ASSIGN_OR_RETURN(
      const auto harvest,
      Harvest::Create(
          context_, job, stop_, [&](const HarvestCounts& counts) { ReportHarvest(counts, phase); },
          [&](const HarvestOutcome& full) { Heed(full).status().IgnoreError(); }));
  return run(harvest.get());
}

absl::StatusOr<bool> JobRunner::Smoke(const v1::DistillationJob& job) {
  const v1::PhaseStatus status = PhaseStatusOf(job, v1::PHASE_KIND_SMOKE);
  if (status == v1::PHASE_STATUS_SKIPPED || status == v1::PHASE_STATUS_DONE) return true;
  const v1::Smoke& smoke = job.spec().smoke();
  LIMBECK_RETURN_IF_ERROR(Change(
      [&](v1::DistillationJob* changed) {
        StartPhase(v1::PHASE_KIND_SMOKE, context_.clock->WallNow(), changed);
      },
      absl::StrCat("trying the prompt on the first ", smoke.rows(), " rows")));
  LIMBECK_ASSIGN_OR_RETURN(const v1::DistillationJob started, context_.store->Get(id_));
  LIMBECK_ASSIGN_OR_RETURN(const HarvestOutcome outcome, RunHarvest(started, [&](Harvest* harvest) {
                             return harvest->RunSmoke(smoke.rows(), smoke.usable());
                           }));
  LIMBECK_ASSIGN_OR_RETURN(const bool go_on, Heed(outcome));
  if (!go_on) return false;
  LIMBECK_RETURN_IF_ERROR(Change(
      [&](v1::DistillationJob* changed) {
        FinishPhase(v1::PHASE_KIND_SMOKE, context_.clock->WallNow(), changed);
      },
      absl::StrCat(outcome.counts.items_usable, " of ", outcome.counts.items_total,
                   " first rows have a usable answer")));
  return true;
}

absl::StatusOr<bool> JobRunner::HarvestAll(const v1::DistillationJob& job) {
  LIMBECK_RETURN_IF_ERROR(Change(
      [&](v1::DistillationJob* changed) {
        StartPhase(v1::PHASE_KIND_HARVEST, context_.clock->WallNow(), changed);
      },
      "asking the teacher"));
  LIMBECK_ASSIGN_OR_RETURN(const v1::DistillationJob started, context_.store->Get(id_));
  LIMBECK_ASSIGN_OR_RETURN(const HarvestOutcome outcome,
                           RunHarvest(started, [](Harvest* harvest) { return harvest->RunAll(); }));
  LIMBECK_ASSIGN_OR_RETURN(const bool go_on, Heed(outcome));
  if (!go_on) return false;
  LIMBECK_ASSIGN_OR_RETURN(const v1::WorkResponse::Assignment plan,
                           MakePlan(started, outcome.counts));
  const v1::ClassifyTask& task = plan.spec().task().classify();
  LIMBECK_RETURN_IF_ERROR(Change(
      [&](v1::DistillationJob* changed) {
        if (task.has_calibration()) {
          *changed->mutable_spec()->mutable_task()->mutable_classify()->mutable_calibration() =
              task.calibration();
        }
        FinishPhase(v1::PHASE_KIND_HARVEST, context_.clock->WallNow(), changed);
      },
      absl::StrCat(outcome.counts.items_usable, " usable answers, ", outcome.counts.items_rejected,
                   " rejected, ", outcome.counts.items_unanswered, " without",
                   CalibrationNote(task))));
  return true;
}

absl::StatusOr<v1::WorkResponse::Assignment> JobRunner::MakePlan(const v1::DistillationJob& job,
                                                                 const HarvestCounts& counts) {
  Backoff backoff(context_.harvest.retry, StableRandom(Xxh3(id_), 1));
  while (true) {
    const auto plan = MakeTrainingPlan(context_, job, counts);
    if (plan.ok()) {
      LIMBECK_RETURN_IF_ERROR(context_.store->PutPlan(id_, *plan));
      return plan;
    }
    if (!absl::IsUnavailable(plan.status())) return plan.status();
    if (stop_->WaitFor(backoff.Next())) return plan.status();
  }
}

void JobRunner::ReportHarvest(const HarvestCounts& counts, v1::PhaseKind phase) {
  const auto accounts = context_.cache->GetSpend({JobAccount(id_)});
  const auto rejected = context_.store->CountRejectedRows(id_);
  const double seconds = absl::ToDoubleSeconds(context_.clock->Now() - phase_start_);
  const absl::Status changed =
      context_.store
          ->Update(
              id_,
              [&](v1::DistillationJob* job) {
                v1::Progress* progress = job->mutable_progress();
                const uint64_t answered = counts.queries_cached + counts.queries_bought;
                if (phase == v1::PHASE_KIND_HARVEST)
                  progress->set_queries_total(counts.queries_total);
                if (rejected.ok()) progress->set_rows_rejected(*rejected);
                if (accounts.ok() && !accounts->empty()) {
                  const cache::AccountState& account = accounts->front();
                  progress->set_queries_bought(account.answers_bought);
                  progress->set_reserved_micro_usd(account.reserved_micro_usd);
                  progress->set_spent_micro_usd(account.spent_micro_usd);
                  progress->set_ceiling_micro_usd(account.ceiling_micro_usd);
                  progress->set_calls_ambiguous(account.calls_ambiguous);
                  // What an earlier run bought is found in the cache now.
                  progress->set_queries_cached(
                      answered > account.answers_bought ? answered - account.answers_bought : 0);
                }
                const uint64_t looked_at =
                    counts.items_usable + counts.items_rejected + counts.items_unanswered;
                if (phase != v1::PHASE_KIND_HARVEST || counts.items_total == 0)
                  return absl::OkStatus();
                const double share =
                    static_cast<double>(looked_at) / static_cast<double>(counts.items_total);
                progress->set_percent(kHarvestShare * share);
                SetProjection(counts, share, progress);
                progress->set_seconds_left(share > 0 ? SecondsLeft(counts, share, seconds) : 0.0);
                return absl::OkStatus();
              })
          .status();
  if (!changed.ok()) {
    LIMBECK_LOG(WARNING) << "progress is not kept" << LogField("job", id_)
                         << LogField("why", changed);
  }
}

absl::Status JobRunner::Succeed(const v1::AcceptanceReport& report) {
  return Change(
      [&](v1::DistillationJob* job) {
        const absl::Time now = context_.clock->WallNow();
        for (int kind = v1::PHASE_KIND_HARVEST; kind <= v1::PHASE_KIND_EXPORT; ++kind) {
          FinishPhase(static_cast<v1::PhaseKind>(kind), now, job);
        }
        job->set_state(v1::JOB_STATE_SUCCEEDED);
        job->set_verdict(report.verdict());
        job->mutable_progress()->set_percent(100.0);
        job->mutable_progress()->set_seconds_left(0.0);
      },
      report.decision().sentence().empty() ? "finished" : report.decision().sentence());
}

}  // namespace limbeck::gateway
