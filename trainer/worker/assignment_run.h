// One assignment from its start to its end: join the group, train, evaluate, deliver.
#pragma once

#include <atomic>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "base/clock.h"
#include "cache/client/cache_client.h"
#include "limbeck/v1/worker_service.pb.h"
#include "trainer/checkpoints/cadence.h"
#include "trainer/data/teacher_row.h"
#include "trainer/loop/train.h"
#include "trainer/worker/snapshot_streams.h"

namespace limbeck::trainer {

struct WorkerSettings {
  // Checkpoints lie below.
  std::filesystem::path work_dir;
  // Address at which other workers reach this one.
  std::string host = "127.0.0.1";
  // Of the student's arithmetic.
  int threads = 1;
  // Between checkpoints, beside the job's checkpoint_steps; see CheckpointCadence.
  absl::Duration checkpoint_min_interval = CheckpointCadence().min_interval;
  absl::Duration checkpoint_max_interval = CheckpointCadence().max_interval;
};

class AssignmentRun {
 public:
  // Hands a message to the coordinator; false when the stream is gone. Called from Execute's
  // thread.
  using Send = std::function<bool(const v1::WorkRequest&)>;

  // `client` and `clock` must outlive the run.
  AssignmentRun(v1::WorkResponse::Assignment assignment, WorkerSettings settings,
                cache::CacheClient* client, Send send, Clock* clock);

  // Runs the assignment and sends everything but `ended`. OK when the report is stored. CANCELLED
  // or UNAVAILABLE: interrupted, a checkpoint is kept. Other codes: the job cannot succeed.
  absl::Status Execute();

  // From the stream's thread, at any time.
  void OnRendezvous(const std::string& address);
  void OnReportStored();
  void Cancel();

  uint64_t generation() const { return assignment_.generation(); }

 private:
  struct Evaluation;

  absl::StatusOr<std::unique_ptr<ProcessGroup>> Join();
  absl::StatusOr<std::vector<TeacherRow>> ReadRows(const std::string& snapshot_id);
  absl::StatusOr<std::vector<CurvePoint>> TrainStudent(ProcessGroup* group, Student* student);
  std::unique_ptr<BatchReader> OpenBatches(Student* student, uint32_t epoch, uint64_t position);
  void OnTrainEvent(const TrainEvent& event);
  void SendPhase(v1::PhaseKind phase);
  absl::StatusOr<v1::AcceptanceReport> Evaluate(Student* student,
                                                const std::vector<CurvePoint>& curve);
  absl::Status Deliver(Student* student, const v1::AcceptanceReport& report);
  absl::Status SendFile(const std::string& name, const std::string& content);
  absl::Status SendOrUnavailable(const v1::WorkRequest& message);
  absl::Status AwaitReportStored();
  std::filesystem::path CheckpointDirectory() const;

  const v1::WorkResponse::Assignment assignment_;
  const WorkerSettings settings_;
  const Send send_;
  Clock* const clock_;
  SnapshotStreams streams_;
  TrainOptions options_;
  std::optional<RowDecoder> decoder_;

  std::atomic<bool> cancelled_{false};
  absl::Mutex mu_;
  // Set by the coordinator; rank 0's own store is known before.
  std::string rendezvous_ ABSL_GUARDED_BY(mu_);
  bool report_stored_ ABSL_GUARDED_BY(mu_) = false;
  bool stopped_ ABSL_GUARDED_BY(mu_) = false;

  // Execute's thread alone.
  std::unique_ptr<RendezvousStore> store_;
  SteadyTime last_progress_;
  uint64_t steps_total_ = 0;
  double loss_sum_ = 0.0;
  uint64_t loss_steps_ = 0;
};

}  // namespace limbeck::trainer
