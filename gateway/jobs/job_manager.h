// Everything that callers can do to jobs, and the threads that run them.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "gateway/coordination/stop_signal.h"
#include "gateway/jobs/job_context.h"
#include "limbeck/v1/distillation_service.pb.h"
#include "limbeck/v1/job.pb.h"

namespace limbeck::gateway {

// Thread-safe; calls block until their effect is durable. NOT_FOUND for an unknown job,
// FAILED_PRECONDITION where its state does not allow the change. Reads (get, list, events,
// rejections, report, files) go straight to JobStore and ArtifactStore.
class JobManager {
 public:
  // Draws the incarnation from the store when the context has none, and sets the team's ceiling in
  // the cache at Start. Runs nothing before Start.
  static absl::StatusOr<std::unique_ptr<JobManager>> Open(JobContext context);
  // Stops.
  ~JobManager();
  JobManager(const JobManager&) = delete;
  JobManager& operator=(const JobManager&) = delete;

  // Says what a job would cost and whether it may run; faults are reasons, not errors.
  absl::StatusOr<v1::Quote> Quote(const v1::JobSpec& spec);
  // Every fault of the spec and its rows at once as field violations. Idempotent by request_id.
  absl::StatusOr<v1::DistillationJob> Create(const v1::CreateDistillationJobRequest& request);
  // INVALID_ARGUMENT below what is spent and reserved.
  absl::StatusOr<v1::DistillationJob> UpdateCeiling(const std::string& id, int64_t micro_usd);
  absl::StatusOr<v1::DistillationJob> Pause(const std::string& id);
  // A job paused over rejections goes on with the rows it has: a person has looked at them.
  absl::StatusOr<v1::DistillationJob> Resume(const std::string& id);
  absl::StatusOr<v1::DistillationJob> Cancel(const std::string& id);

  // Resumes every QUEUED, RUNNING and CANCELLING job.
  absl::Status Start();
  // Drains: nothing new is sent (the teachers' clients are shut down), answers on the way are
  // committed. Calls that are not home when the context's drain_for is over are given up and become
  // ambiguous in the ledger. Jobs stay as they are and go on at the next Start of another manager.
  // Idempotent.
  void Stop();

  // Jobs that have a thread now.
  size_t running() const;

 private:
  struct Run;

  explicit JobManager(JobContext context);
  // Makes sure that a thread works on the job.
  void Ensure(const std::string& id);
  void RunJob(Run* run);
  void SignalRun(const std::string& id);
  // Whether all of `runs` finish within drain_for.
  bool AwaitFinished(const std::vector<std::unique_ptr<Run>>& runs);
  void ReapLocked() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  absl::StatusOr<v1::DistillationJob> Change(
      const std::string& id, const std::string& message,
      const std::function<absl::Status(v1::DistillationJob*)>& change);

  const JobContext context_;

  mutable absl::Mutex mu_;
  std::map<std::string, std::unique_ptr<Run>> runs_ ABSL_GUARDED_BY(mu_);
  bool started_ ABSL_GUARDED_BY(mu_) = false;
  bool stopping_ ABSL_GUARDED_BY(mu_) = false;
};

}  // namespace limbeck::gateway
