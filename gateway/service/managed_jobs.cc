#include "gateway/service/managed_jobs.h"

#include <string>
#include <utility>

#include "base/status.h"
#include "gateway/jobs/job_manager.h"

namespace limbeck::gateway {
namespace {

class ManagedJobs : public JobControl {
 public:
  explicit ManagedJobs(std::unique_ptr<JobManager> manager) : manager_(std::move(manager)) {}

  absl::StatusOr<v1::Quote> Quote(const v1::JobSpec& spec) override {
    return manager_->Quote(spec);
  }
  absl::StatusOr<v1::DistillationJob> Create(
      const v1::CreateDistillationJobRequest& request) override {
    return manager_->Create(request);
  }
  absl::StatusOr<v1::DistillationJob> UpdateCeiling(const std::string& id,
                                                    int64_t micro_usd) override {
    return manager_->UpdateCeiling(id, micro_usd);
  }
  absl::StatusOr<v1::DistillationJob> Pause(const std::string& id) override {
    return manager_->Pause(id);
  }
  absl::StatusOr<v1::DistillationJob> Resume(const std::string& id) override {
    return manager_->Resume(id);
  }
  absl::StatusOr<v1::DistillationJob> Cancel(const std::string& id) override {
    return manager_->Cancel(id);
  }
  absl::Status Start() override { return manager_->Start(); }
  void Stop() override { manager_->Stop(); }

 private:
  const std::unique_ptr<JobManager> manager_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<JobControl>> OpenManagedJobs(const JobContext& context) {
  LIMBECK_ASSIGN_OR_RETURN(auto manager, JobManager::Open(context));
  return std::make_unique<ManagedJobs>(std::move(manager));
}

}  // namespace limbeck::gateway
