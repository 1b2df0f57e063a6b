// The gateway's and the cache's services as tests script them, behind a real server.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "base/grpc/server.h"
#include "limbeck/v1/cache_service.grpc.pb.h"
#include "limbeck/v1/dataset_service.grpc.pb.h"
#include "limbeck/v1/distillation_service.grpc.pb.h"
#include "limbeck/v1/teacher_service.grpc.pb.h"

namespace limbeck::cli {

// One connection's worth of events; then the stream ends with `status`.
struct WatchScript {
  std::vector<v1::JobEvent> events;
  absl::Status status;
};

// Thread-safe. What tests read and set is guarded by `mu`.
class FakeDistillation : public v1::DistillationService::Service {
 public:
  grpc::Status QuoteDistillationJob(grpc::ServerContext*,
                                    const v1::QuoteDistillationJobRequest* request,
                                    v1::Quote* response) override;
  grpc::Status CreateDistillationJob(grpc::ServerContext*,
                                     const v1::CreateDistillationJobRequest* request,
                                     v1::DistillationJob* response) override;
  grpc::Status GetDistillationJob(grpc::ServerContext*, const v1::GetDistillationJobRequest*,
                                  v1::DistillationJob* response) override;
  grpc::Status ListDistillationJobs(grpc::ServerContext*,
                                    const v1::ListDistillationJobsRequest* request,
                                    v1::ListDistillationJobsResponse* response) override;
  grpc::Status UpdateDistillationJob(grpc::ServerContext*,
                                     const v1::UpdateDistillationJobRequest* request,
                                     v1::DistillationJob* response) override;
  grpc::Status ResumeDistillationJob(grpc::ServerContext*, const v1::ResumeDistillationJobRequest*,
                                     v1::DistillationJob* response) override;
  grpc::Status WatchDistillationJob(grpc::ServerContext*,
                                    const v1::WatchDistillationJobRequest* request,
                                    grpc::ServerWriter<v1::JobEvent>* writer) override;
  grpc::Status GetInvoice(grpc::ServerContext*, const v1::GetInvoiceRequest* request,
                          grpc::ServerWriter<v1::GetInvoiceResponse>* writer) override;
  grpc::Status DownloadStudent(grpc::ServerContext*, const v1::DownloadStudentRequest*,
                               grpc::ServerWriter<v1::ArtifactChunk>* writer) override;

  absl::Mutex mu;
  v1::Quote quote ABSL_GUARDED_BY(mu);
  absl::Status create_status ABSL_GUARDED_BY(mu);
  v1::DistillationJob job ABSL_GUARDED_BY(mu);
  std::vector<v1::CreateDistillationJobRequest> creates ABSL_GUARDED_BY(mu);
  std::vector<v1::UpdateDistillationJobRequest> updates ABSL_GUARDED_BY(mu);
  std::vector<uint64_t> watch_cursors ABSL_GUARDED_BY(mu);
  std::deque<WatchScript> watches ABSL_GUARDED_BY(mu);
  std::vector<v1::ArtifactChunk> chunks ABSL_GUARDED_BY(mu);
  std::vector<v1::GetInvoiceRequest> invoice_requests ABSL_GUARDED_BY(mu);
  std::vector<v1::GetInvoiceResponse> invoice ABSL_GUARDED_BY(mu);
  // Pages of ListDistillationJobs; tokens are their numbers.
  std::vector<v1::ListDistillationJobsResponse> pages ABSL_GUARDED_BY(mu);
};

// Keeps what is uploaded.
class FakeDatasets : public v1::DatasetService::Service {
 public:
  grpc::Status UploadDataset(grpc::ServerContext*,
                             grpc::ServerReader<v1::UploadDatasetRequest>* reader,
                             v1::Dataset* response) override;
  grpc::Status GetDataset(grpc::ServerContext*, const v1::GetDatasetRequest* request,
                          v1::Dataset* response) override;

  absl::Mutex mu;
  absl::Status upload_status ABSL_GUARDED_BY(mu);
  std::map<std::string, std::string> contents ABSL_GUARDED_BY(mu);
  int uploads ABSL_GUARDED_BY(mu) = 0;
};

class FakeTeachers : public v1::TeacherService::Service {
 public:
  grpc::Status ListTeachers(grpc::ServerContext*, const v1::ListTeachersRequest* request,
                            v1::ListTeachersResponse* response) override;
};

class FakeCache : public v1::CacheService::Service {
 public:
  grpc::Status VerifyCache(grpc::ServerContext*, const v1::VerifyCacheRequest*,
                           v1::VerifyCacheResponse* response) override;
};

// All of them on one free port.
class FakeServer {
 public:
  FakeServer();

  std::string target() const { return server_->local_target(); }

  FakeDistillation distillation;
  FakeDatasets datasets;
  FakeTeachers teachers;
  FakeCache cache;

 private:
  std::unique_ptr<rpc::Server> server_;
};

}  // namespace limbeck::cli
