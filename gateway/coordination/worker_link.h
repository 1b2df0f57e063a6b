// The way to one worker, so that coordination does not depend on gRPC.
#pragma once

#include "absl/status/status.h"
#include "limbeck/v1/worker_service.pb.h"

namespace limbeck::gateway {

// Thread-safe. May outlive the worker's stream: calls then do nothing.
class WorkerLink {
 public:
  virtual ~WorkerLink() = default;
  // Queues a message; never blocks.
  virtual void Send(const v1::WorkResponse& message) = 0;
  // Takes the next message from the worker. Called once for each message that was handed to the
  // coordinator, when it has been dealt with: a worker sends no faster than it is listened to.
  virtual void ReadNext() = 0;
  // Ends the stream; the worker sees `status`.
  virtual void Close(const absl::Status& status) = 0;
};

}  // namespace limbeck::gateway
