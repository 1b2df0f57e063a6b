// The gRPC face of the coordinator: one stream per worker.
#pragma once

#include <grpcpp/server_context.h>

#include "gateway/coordination/coordinator.h"
#include "limbeck/v1/worker_service.grpc.pb.h"

namespace limbeck::gateway {

class WorkerService final : public v1::WorkerService::CallbackService {
 public:
  // `coordinator` must outlive every stream: shut the server down first.
  explicit WorkerService(Coordinator* coordinator) : coordinator_(coordinator) {}

  grpc::ServerBidiReactor<v1::WorkRequest, v1::WorkResponse>* Work(
      grpc::CallbackServerContext* context) override;

 private:
  Coordinator* const coordinator_;
};

}  // namespace limbeck::gateway
