// The training half of JobRunner: what it tells and hears of the coordinator.
#include <google/protobuf/util/json_util.h>

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/status.h"
#include "gateway/jobs/job_phases.h"
#include "gateway/jobs/job_runner.h"

namespace limbeck::gateway {
namespace {

constexpr char kReportFile[] = "report.json";
constexpr double kTrainStart = 50.0;
constexpr double kTrainShare = 45.0;

absl::StatusOr<std::string> ReportJson(const v1::AcceptanceReport& report) {
  google::protobuf::util::JsonPrintOptions options;
  options.add_whitespace = true;
  options.preserve_proto_field_names = true;
  std::string json;
  const auto printed = google::protobuf::util::MessageToJsonString(report, &json, options);
  if (!printed.ok()) return absl::InternalError("the report cannot be written as JSON");
  return json;
}

}  // namespace

absl::Status JobRunner::Train() {
  LIMBECK_ASSIGN_OR_RETURN(const auto plan, context_.store->GetPlan(id_));
  if (!plan.has_value()) return absl::InternalError("there is no training plan");
  LIMBECK_RETURN_IF_ERROR(Change(
      [&](v1::DistillationJob* job) {
        // A run that was cut off may have missed the ends.
        FinishPhase(v1::PHASE_KIND_SMOKE, context_.clock->WallNow(), job);
        FinishPhase(v1::PHASE_KIND_HARVEST, context_.clock->WallNow(), job);
        StartPhase(v1::PHASE_KIND_TRAIN, context_.clock->WallNow(), job);
        job->mutable_progress()->set_percent(std::max(kTrainStart, job->progress().percent()));
      },
      absl::StrCat("training on ", plan->train_items(), " items")));
  phase_start_ = context_.clock->Now();
  TrainingTask task;
  task.job_id = id_;
  task.assignment = *plan;
  task.min_workers = plan->spec().runtime().min_workers();
  task.max_workers = plan->spec().runtime().max_workers();
  const absl::Status trained = context_.coordinator->Train(task, this, stop_);
  intake_.reset();
  if (absl::IsFailedPrecondition(trained)) return Fail(trained, "TRAINING_FAILED");
  LIMBECK_RETURN_IF_ERROR(trained);
  LIMBECK_ASSIGN_OR_RETURN(const auto report, context_.store->GetReport(id_));
  if (!report.has_value()) return absl::InternalError("there is no report after training");
  return Succeed(*report);
}

absl::StatusOr<uint64_t> JobRunner::NextGeneration() {
  LIMBECK_ASSIGN_OR_RETURN(auto plan, context_.store->GetPlan(id_));
  if (!plan.has_value()) return absl::InternalError("there is no training plan");
  plan->set_generation(plan->generation() + 1);
  LIMBECK_RETURN_IF_ERROR(context_.store->PutPlan(id_, *plan));
  return plan->generation();
}

void JobRunner::OnWaiting(uint32_t idle, uint32_t wanted) {
  const std::string message =
      absl::StrCat("waiting for workers: ", idle, " idle, ", wanted, " needed");
  if (std::exchange(last_waiting_, message) == message) return;
  Change([](v1::DistillationJob* job) { job->mutable_progress()->set_workers(0); }, message)
      .IgnoreError();
}

void JobRunner::OnGroupFormed(uint64_t generation, uint32_t workers) {
  last_waiting_.clear();
  Change([&](v1::DistillationJob* job) { job->mutable_progress()->set_workers(workers); },
         absl::StrCat("group ", generation, " of ", workers, workers == 1 ? " worker" : " workers",
                      " trains"))
      .IgnoreError();
}

void JobRunner::OnGroupLost(uint64_t generation, const std::string& why) {
  Change([](v1::DistillationJob* job) { job->mutable_progress()->set_workers(0); },
         absl::StrCat("group ", generation, " broke up: ", why))
      .IgnoreError();
}

void JobRunner::OnProgress(const v1::WorkRequest::TrainProgress& progress, uint32_t workers) {
  const SteadyTime now = context_.clock->Now();
  const bool news = progress.has_point() || progress.phase() != last_phase_;
  if (!news && now - last_progress_ < context_.harvest.progress_interval) return;
  last_progress_ = now;
  last_phase_ = progress.phase();
  const double seconds = absl::ToDoubleSeconds(now - phase_start_);
  Change(
      [&](v1::DistillationJob* job) {
        const absl::Time wall = context_.clock->WallNow();
        for (int kind = v1::PHASE_KIND_TRAIN; kind < progress.phase(); ++kind) {
          FinishPhase(static_cast<v1::PhaseKind>(kind), wall, job);
        }
        StartPhase(progress.phase(), wall, job);
        v1::Progress* shown = job->mutable_progress();
        shown->set_workers(workers);
        shown->set_steps_done(progress.step());
        shown->set_steps_total(progress.steps_total());
        if (progress.train_loss() != 0.0) shown->set_train_loss(progress.train_loss());
        if (progress.has_point()) {
          shown->set_validation_agreement(progress.point().validation_agreement());
        }
        if (progress.steps_total() == 0) return;
        const double share = std::min(1.0, static_cast<double>(progress.step()) /
                                               static_cast<double>(progress.steps_total()));
        shown->set_percent(kTrainStart + kTrainShare * share);
        shown->set_seconds_left(share > 0.0 ? seconds * (1.0 - share) / share : 0.0);
      },
      "")
      .IgnoreError();
}

absl::Status JobRunner::OnArtifact(uint64_t generation, const v1::ArtifactChunk& chunk) {
  if (intake_ == nullptr || intake_generation_ != generation) {
    intake_.reset();
    LIMBECK_ASSIGN_OR_RETURN(intake_, context_.artifacts->Begin(id_));
    intake_generation_ = generation;
  }
  return intake_->Add(chunk);
}

absl::Status JobRunner::OnReport(uint64_t generation, const v1::AcceptanceReport& report) {
  if (intake_ == nullptr || intake_generation_ != generation) {
    return absl::FailedPreconditionError("a report came without a student");
  }
  v1::AcceptanceReport named = report;
  named.set_job_id(id_);
  if (!intake_->HasFile(kReportFile)) {
    LIMBECK_ASSIGN_OR_RETURN(std::string json, ReportJson(named));
    v1::ArtifactChunk chunk;
    chunk.set_name(kReportFile);
    chunk.set_last(true);
    chunk.set_sha256(Sha256(json));
    chunk.set_data(std::move(json));
    LIMBECK_RETURN_IF_ERROR(intake_->Add(chunk));
  }
  LIMBECK_RETURN_IF_ERROR(intake_->Finish());
  return context_.store->PutReport(id_, named);
}

}  // namespace limbeck::gateway
