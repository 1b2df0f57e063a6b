// A whole gateway in one object: stores, teachers, coordinator, jobs and the gRPC server over one
// data folder. Hosted by limbeck-gateway, and by `limbeck up`.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "base/grpc/server.h"
#include "base/http/transport.h"
#include "base/kv/engine.h"
#include "base/metrics/metrics.h"
#include "cache/client/cache_client.h"
#include "gateway/coordination/coordinator.h"
#include "gateway/coordination/worker_service.h"
#include "gateway/jobs/artifact_store.h"
#include "gateway/jobs/dataset_store.h"
#include "gateway/jobs/job_store.h"
#include "gateway/service/dataset_service.h"
#include "gateway/service/distillation_service.h"
#include "gateway/service/gateway_config.h"
#include "gateway/service/job_control.h"
#include "gateway/service/teacher_probe.h"
#include "gateway/service/teacher_service.h"
#include "gateway/service/teacher_set.h"
#include "limbeck/v1/config.pb.h"

namespace limbeck::gateway {

struct GatewayNodeOptions {
  // Makes the part that runs jobs. Required.
  JobControlFactory jobs;
  // "rocksdb" or "memory" (tests; datasets and students still go to the folder).
  std::string engine = "rocksdb";
  // Null: a CurlTransport of the node's own. Borrowed.
  http::Transport* transport = nullptr;
  // Borrowed.
  Clock* clock = Clock::Real();
  DistillationServiceOptions distillation;
  CoordinatorOptions coordination;
};

// Thread-safe, but for the destructor.
class GatewayNode {
 public:
  // Opens data_dir/gateway (created when missing: kv/, datasets/, students/, name), listens on
  // gateway.address, and goes on with unfinished jobs. The cache at cache_target is connected to
  // lazily. `registry` is borrowed and may be null. Errors: INVALID_ARGUMENT with all faults of
  // `config`, FAILED_PRECONDITION (another process has the folder open), UNAVAILABLE (the address
  // cannot be listened on).
  static absl::StatusOr<std::unique_ptr<GatewayNode>> Start(const v1::LimbeckConfig& config,
                                                            metrics::Registry* registry,
                                                            const GatewayNodeOptions& options);

  // Shuts down without grace.
  ~GatewayNode();

  // Where a client on this machine finds the gateway.
  std::string local_target() const { return server_->local_target(); }
  int port() const { return server_->port(); }
  const std::string& data_dir() const { return config_.file.data_dir(); }

  // Not serving any more: watches end and nothing further is sent to teachers; what they were paid
  // for is committed, workers are let go, and calls in progress get `grace`. Idempotent.
  void Shutdown(absl::Duration grace);

 private:
  GatewayNode(GatewayConfig config, const GatewayNodeOptions& options)
      : config_(std::move(config)), options_(options) {}

  absl::Status OpenStores();
  absl::Status ConnectCache();
  absl::Status OpenJobs(metrics::Registry* registry);
  absl::Status Serve();

  const GatewayConfig config_;
  const GatewayNodeOptions options_;
  std::string name_;

  // In the order of their making; ended in the reverse, but for the transport (see ~GatewayNode).
  std::unique_ptr<kv::Engine> engine_;
  std::unique_ptr<kv::Engine> database_;  // Of shared pools; null: in `engine_`.
  std::unique_ptr<JobStore> store_;
  std::unique_ptr<BatchStore> batches_;
  std::unique_ptr<DatasetStore> datasets_;
  std::unique_ptr<ArtifactStore> artifacts_;
  std::unique_ptr<cache::CacheClient> cache_;
  std::unique_ptr<http::Transport> transport_;
  std::unique_ptr<TeacherSet> teachers_;
  JobTeachers job_teachers_;
  std::unique_ptr<TeacherProbe> probe_;
  std::unique_ptr<Coordinator> coordinator_;
  std::unique_ptr<JobControl> jobs_;
  std::unique_ptr<DistillationServiceImpl> distillation_;
  std::unique_ptr<DatasetServiceImpl> dataset_service_;
  std::unique_ptr<TeacherServiceImpl> teacher_service_;
  std::unique_ptr<WorkerService> worker_service_;
  std::unique_ptr<rpc::Server> server_;
};

}  // namespace limbeck::gateway
