// What the services and the node ask of the part that runs jobs, and what that part is given.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/clock.h"
#include "base/metrics/metrics.h"
#include "cache/client/cache_client.h"
#include "gateway/coordination/coordinator.h"
#include "gateway/jobs/artifact_store.h"
#include "gateway/jobs/dataset_store.h"
#include "gateway/jobs/job_store.h"
#include "gateway/service/teacher_set.h"
#include "limbeck/v1/distillation_service.pb.h"
#include "limbeck/v1/job.pb.h"

namespace limbeck::gateway {

// Thread-safe; calls block until their effect is durable. NOT_FOUND for an unknown job,
// FAILED_PRECONDITION where its state does not allow the change.
class JobControl {
 public:
  virtual ~JobControl() = default;
  virtual absl::StatusOr<v1::Quote> Quote(const v1::JobSpec& spec) = 0;
  // Lists every fault of the spec at once as field violations.
  virtual absl::StatusOr<v1::DistillationJob> Create(
      const v1::CreateDistillationJobRequest& request) = 0;
  virtual absl::StatusOr<v1::DistillationJob> UpdateCeiling(const std::string& id,
                                                            int64_t micro_usd) = 0;
  virtual absl::StatusOr<v1::DistillationJob> Pause(const std::string& id) = 0;
  virtual absl::StatusOr<v1::DistillationJob> Resume(const std::string& id) = 0;
  virtual absl::StatusOr<v1::DistillationJob> Cancel(const std::string& id) = 0;

  // Goes on with every unfinished job.
  virtual absl::Status Start() = 0;
  // Nothing new is sent; what was paid for is committed when this returns. Idempotent.
  virtual void Stop() = 0;
};

// What jobs are run with. Everything pointed to is borrowed and outlives the JobControl.
struct JobParts {
  JobStore* store = nullptr;
  DatasetStore* datasets = nullptr;
  ArtifactStore* artifacts = nullptr;
  cache::CacheClient* cache = nullptr;
  const TeacherSet* teachers = nullptr;
  Coordinator* coordinator = nullptr;
  Clock* clock = nullptr;
  metrics::Registry* registry = nullptr;  // Null discards.
  // Stable over restarts and unique among the gateways of a cache: claims carry it.
  std::string gateway_name;
  // host:port at which trainers reach the cache.
  std::string cache_address;
  std::string team;
  int64_t team_ceiling_micro_usd = 0;  // 0: no limit.
};

using JobControlFactory =
    std::function<absl::StatusOr<std::unique_ptr<JobControl>>(const JobParts& parts)>;

}  // namespace limbeck::gateway
