// limbeck.v1.DistillationService: changes go to JobControl, reads straight to the stores.
#pragma once

#include <atomic>
#include <cstddef>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "cache/client/cache_client.h"
#include "gateway/jobs/artifact_store.h"
#include "gateway/jobs/job_store.h"
#include "gateway/service/job_control.h"
#include "limbeck/v1/distillation_service.grpc.pb.h"

namespace limbeck::gateway {

struct DistillationServiceOptions {
  // Watches at once; each holds a thread.
  size_t max_watches = 256;
  // How long a watch takes at most to see that its client or the server went.
  absl::Duration watch_poll = absl::Milliseconds(200);
  // Events read at once.
  size_t watch_batch = 256;
};

// What the service works on; everything outlives it.
struct DistillationParts {
  JobControl* jobs = nullptr;
  JobStore* store = nullptr;
  ArtifactStore* artifacts = nullptr;
  cache::CacheClient* cache = nullptr;
  std::string team;  // Whose money may be shown.
};

class DistillationServiceImpl final : public v1::DistillationService::Service {
 public:
  explicit DistillationServiceImpl(const DistillationParts& parts,
                                   const DistillationServiceOptions& options = {})
      : parts_(parts), options_(options) {}

  grpc::Status QuoteDistillationJob(grpc::ServerContext* context,
                                    const v1::QuoteDistillationJobRequest* request,
                                    v1::Quote* response) override;
  grpc::Status CreateDistillationJob(grpc::ServerContext* context,
                                     const v1::CreateDistillationJobRequest* request,
                                     v1::DistillationJob* response) override;
  grpc::Status GetDistillationJob(grpc::ServerContext* context,
                                  const v1::GetDistillationJobRequest* request,
                                  v1::DistillationJob* response) override;
  grpc::Status ListDistillationJobs(grpc::ServerContext* context,
                                    const v1::ListDistillationJobsRequest* request,
                                    v1::ListDistillationJobsResponse* response) override;
  grpc::Status UpdateDistillationJob(grpc::ServerContext* context,
                                     const v1::UpdateDistillationJobRequest* request,
                                     v1::DistillationJob* response) override;
  grpc::Status PauseDistillationJob(grpc::ServerContext* context,
                                    const v1::PauseDistillationJobRequest* request,
                                    v1::DistillationJob* response) override;
  grpc::Status ResumeDistillationJob(grpc::ServerContext* context,
                                     const v1::ResumeDistillationJobRequest* request,
                                     v1::DistillationJob* response) override;
  grpc::Status CancelDistillationJob(grpc::ServerContext* context,
                                     const v1::CancelDistillationJobRequest* request,
                                     v1::DistillationJob* response) override;
  grpc::Status WatchDistillationJob(grpc::ServerContext* context,
                                    const v1::WatchDistillationJobRequest* request,
                                    grpc::ServerWriter<v1::JobEvent>* writer) override;
  grpc::Status GetInvoice(grpc::ServerContext* context, const v1::GetInvoiceRequest* request,
                          grpc::ServerWriter<v1::GetInvoiceResponse>* writer) override;
  grpc::Status ListRejections(grpc::ServerContext* context,
                              const v1::ListRejectionsRequest* request,
                              v1::ListRejectionsResponse* response) override;
  grpc::Status GetAcceptanceReport(grpc::ServerContext* context,
                                   const v1::GetAcceptanceReportRequest* request,
                                   v1::AcceptanceReport* response) override;
  grpc::Status DownloadStudent(grpc::ServerContext* context,
                               const v1::DownloadStudentRequest* request,
                               grpc::ServerWriter<v1::ArtifactChunk>* writer) override;

  // Ends watches with UNAVAILABLE, so that their clients go on at their cursors elsewhere; further
  // ones are refused. Call before the server's shutdown.
  void StopWatches() { stopping_ = true; }

 private:
  absl::Status Watch(grpc::ServerContext* context, const v1::WatchDistillationJobRequest& request,
                     grpc::ServerWriter<v1::JobEvent>* writer);
  absl::StatusOr<std::string> InvoiceAccount(const v1::GetInvoiceRequest& request) const;
  absl::Status Download(const std::string& id, grpc::ServerWriter<v1::ArtifactChunk>* writer);

  const DistillationParts parts_;
  const DistillationServiceOptions options_;
  std::atomic<bool> stopping_{false};
  std::atomic<size_t> watches_{0};
};

}  // namespace limbeck::gateway
