// Takes one job from where it stands to its end, each stage durable before the next begins.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gateway/coordination/stop_signal.h"
#include "gateway/coordination/training.h"
#include "gateway/jobs/artifact_store.h"
#include "gateway/jobs/harvest.h"
#include "gateway/jobs/job_context.h"

namespace limbeck::gateway {

// One run on one thread. A run that was cut off, however, is continued by the next.
class JobRunner final : private TrainingObserver {
 public:
  // `context` and `stop` are borrowed.
  JobRunner(const JobContext& context, std::string id, StopSignal* stop)
      : context_(context), id_(std::move(id)), stop_(stop) {}

  // Runs until the job ends, pauses or is stopped. OK in all these cases; an error means that the
  // store or the cache failed and that another run should follow.
  absl::Status Run();

 private:
  // Changes the job if it is still RUNNING; CANCELLED otherwise (a person was quicker).
  absl::Status Change(const std::function<void(v1::DistillationJob*)>& change,
                      std::string_view message);
  absl::Status FinishCancelling();
  absl::Status PrepareAccounts(const v1::DistillationJob& job);
  // Each gives whether the run goes on.
  absl::StatusOr<bool> Smoke(const v1::DistillationJob& job);
  absl::StatusOr<bool> HarvestAll(const v1::DistillationJob& job);
  absl::Status Train();
  absl::StatusOr<bool> Heed(const HarvestOutcome& outcome);
  absl::StatusOr<HarvestOutcome> RunHarvest(
      const v1::DistillationJob& job,
      const std::function<absl::StatusOr<HarvestOutcome>(Harvest*)>& run);
  // Makes the training plan, stores it and gives it.
  absl::StatusOr<v1::WorkResponse::Assignment> MakePlan(const v1::DistillationJob& job,
                                                        const HarvestCounts& counts);
  absl::Status Fail(const absl::Status& why, std::string_view reason);
  absl::Status Succeed(const v1::AcceptanceReport& report);
  void ReportHarvest(const HarvestCounts& counts, v1::PhaseKind phase);

  // TrainingObserver.
  absl::StatusOr<uint64_t> NextGeneration() override;
  void OnWaiting(uint32_t idle, uint32_t wanted) override;
  void OnGroupFormed(uint64_t generation, uint32_t workers) override;
  void OnGroupLost(uint64_t generation, const std::string& why) override;
  void OnProgress(const v1::WorkRequest::TrainProgress& progress, uint32_t workers) override;
  absl::Status OnArtifact(uint64_t generation, const v1::ArtifactChunk& chunk) override;
  absl::Status OnReport(uint64_t generation, const v1::AcceptanceReport& report) override;

  const JobContext& context_;
  const std::string id_;
  StopSignal* const stop_;
  SteadyTime last_progress_;
  SteadyTime phase_start_;
  std::string last_waiting_;
  v1::PhaseKind last_phase_ = v1::PHASE_KIND_UNSPECIFIED;
  std::unique_ptr<ArtifactStore::Intake> intake_;
  uint64_t intake_generation_ = 0;
};

}  // namespace limbeck::gateway
