// A trainer worker: keeps a stream to the coordinator and runs what it assigns.
#pragma once

#include <grpcpp/channel.h>

#include <memory>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "base/backoff.h"
#include "base/clock.h"
#include "base/grpc/channel.h"
#include "limbeck/v1/worker_service.grpc.pb.h"
#include "trainer/worker/assignment_run.h"

namespace limbeck::trainer {

struct WorkerOptions {
  // Stable over restarts, unique in the cluster.
  std::string worker_id;
  WorkerSettings settings;
  // How the cache is reached; the coordinator names its address.
  rpc::ChannelOptions cache_channel;
  // Between tries to reach the coordinator; starts again after a stream that registered.
  BackoffPolicy reconnect = {.initial = absl::Milliseconds(200), .max = absl::Seconds(5)};
  // Heartbeats that the coordinator may miss before its stream counts as dead.
  int missed_heartbeats = 3;
};

// Run may be called once, from one thread; Stop from any.
class Worker {
 public:
  // `clock` must outlive the worker.
  Worker(WorkerOptions options, std::shared_ptr<grpc::Channel> coordinator, Clock* clock);
  ~Worker();

  // Works until Stop; reconnects when the coordinator goes away. OK after Stop. An error where the
  // coordinator will never take this worker: FAILED_PRECONDITION (another version),
  // UNAUTHENTICATED, INVALID_ARGUMENT.
  absl::Status Run();

  // Ends Run; an assignment is interrupted and leaves a checkpoint.
  void Stop();

 private:
  class Stream;

  absl::Status RunStream(bool* registered);

  const WorkerOptions options_;
  const std::unique_ptr<v1::WorkerService::Stub> stub_;
  Clock* const clock_;

  absl::Mutex mu_;
  bool stopping_ ABSL_GUARDED_BY(mu_) = false;
  Stream* stream_ ABSL_GUARDED_BY(mu_) = nullptr;
};

}  // namespace limbeck::trainer
