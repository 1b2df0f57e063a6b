// What the services and the node ask of the part that runs jobs. JobManager does it
// (managed_jobs.h); tests of the services replace it.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gateway/jobs/job_context.h"
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

// `context` is borrowed like everything it points to, and has no incarnation yet.
using JobControlFactory =
    std::function<absl::StatusOr<std::unique_ptr<JobControl>>(const JobContext& context)>;

}  // namespace limbeck::gateway
