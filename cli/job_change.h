// Commands that name one job, make one call and show the job that comes back.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "cli/session.h"
#include "limbeck/v1/distillation_service.pb.h"

namespace limbeck::cli {

// JSON, or a short block for people: state, reason, progress, next command.
absl::Status PrintJob(Session& session, const v1::DistillationJob& job);

// Gives the job a ceiling of `usd`, for example "30". INVALID_ARGUMENT for what is no amount.
absl::StatusOr<v1::DistillationJob> SetCeiling(Session& session, const std::string& job_id,
                                               const std::string& usd);

// Calls `method` for the job and prints what it returns. The value is the exit status.
template <typename Request>
absl::StatusOr<int> ChangeJob(Session& session, const std::string& job_id,
                              grpc::Status (v1::DistillationService::Stub::*method)(
                                  grpc::ClientContext*, const Request&, v1::DistillationJob*)) {
  auto stub = session.Jobs();
  if (!stub.ok()) return stub.status();
  Request request;
  request.set_id(job_id);
  auto job = Call(*stub, method, request);
  if (!job.ok()) return job.status();
  if (absl::Status status = PrintJob(session, *job); !status.ok()) return status;
  return 0;
}

}  // namespace limbeck::cli
