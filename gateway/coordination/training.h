// What the coordinator trains and whom it tells.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/backoff.h"
#include "limbeck/v1/worker_service.pb.h"

namespace limbeck::gateway {

struct TrainingTask {
  std::string job_id;
  uint32_t min_workers = 1;
  uint32_t max_workers = 1;
  // Everything that does not differ between workers or groups; the coordinator fills in
  // generation, rank, world size and collective timeout.
  v1::WorkResponse::Assignment assignment;
};

// Called on the thread that runs Coordinator::Train, one call at a time; may block.
class TrainingObserver {
 public:
  virtual ~TrainingObserver() = default;
  // A number higher than any given before for this job, durable when returned.
  virtual absl::StatusOr<uint64_t> NextGeneration() = 0;
  // Too few workers: `idle` of `wanted` are there.
  virtual void OnWaiting(uint32_t idle, uint32_t wanted) = 0;
  virtual void OnGroupFormed(uint64_t generation, uint32_t workers) = 0;
  // A group broke up; another follows.
  virtual void OnGroupLost(uint64_t generation, const std::string& why) = 0;
  virtual void OnProgress(const v1::WorkRequest::TrainProgress& progress, uint32_t workers) = 0;
  // A piece of the student. An error ends the training with it.
  virtual absl::Status OnArtifact(uint64_t generation, const v1::ArtifactChunk& chunk) = 0;
  // The end. Files and report must be durable when OK is returned.
  virtual absl::Status OnReport(uint64_t generation, const v1::AcceptanceReport& report) = 0;
};

struct CoordinatorOptions {
  // Sent to workers and expected of them; a side that misses three in a row is lost.
  absl::Duration heartbeat = absl::Seconds(3);
  int missed_heartbeats = 3;
  // After enough workers for a job are idle, wait this long for more, up to its maximum.
  absl::Duration group_linger = absl::Seconds(1);
  // How long members of a broken group may take to leave it before their streams are closed.
  absl::Duration stop_timeout = absl::Seconds(30);
  absl::Duration collective_timeout = absl::Seconds(60);
  // Before a broken group is formed again; grows while groups break without training a step.
  BackoffPolicy reform_backoff = {.initial = absl::Milliseconds(500), .max = absl::Seconds(30)};
  // Groups in a row that break without training a step before the job fails.
  int max_barren_groups = 20;
  // Workers registered at once.
  size_t max_workers = 1024;
  // Shown to workers.
  std::string name = "gateway";
  // Workers of another version are turned away.
  std::string version;
};

}  // namespace limbeck::gateway
