#include "tests/bench/job_watch.h"

#include <grpcpp/grpcpp.h>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "limbeck/v1/distillation_service.grpc.pb.h"

namespace limbeck::bench {
namespace {

double Seconds(const google::protobuf::Timestamp& time) {
  return static_cast<double>(time.seconds()) + 1e-9 * time.nanos();
}

const v1::Phase* FindPhase(const v1::DistillationJob& job, v1::PhaseKind kind) {
  for (const v1::Phase& phase : job.phases()) {
    if (phase.kind() == kind) return &phase;
  }
  return nullptr;
}

bool IsStuck(v1::JobState state) {
  return state == v1::JOB_STATE_PAUSED || state == v1::JOB_STATE_FAILED ||
         state == v1::JOB_STATE_CANCELLED || state == v1::JOB_STATE_SUCCEEDED;
}

}  // namespace

absl::StatusOr<v1::JobEvent> WatchJob(const std::string& gateway, const std::string& id,
                                      v1::PhaseKind phase, absl::Duration timeout,
                                      bool (*enough)(const v1::JobEvent&)) {
  auto stub = v1::DistillationService::NewStub(
      grpc::CreateChannel(gateway, grpc::InsecureChannelCredentials()));
  grpc::ClientContext context;
  context.set_deadline(absl::ToChronoTime(absl::Now() + timeout));
  v1::WatchDistillationJobRequest request;
  request.set_id(id);
  auto reader = stub->WatchDistillationJob(&context, request);
  v1::JobEvent event;
  while (reader->Read(&event)) {
    const v1::Phase* at = FindPhase(event.job(), phase);
    if (at != nullptr && at->status() == v1::PHASE_STATUS_DONE) return event;
    if (enough != nullptr && enough(event)) return event;
    if (IsStuck(event.job().state())) {
      return absl::FailedPreconditionError(
          absl::StrCat("job stopped early: ", event.job().ShortDebugString()));
    }
  }
  return absl::UnavailableError(
      absl::StrCat("watch ended: ", reader->Finish().error_message(), event.ShortDebugString()));
}

absl::StatusOr<double> PhaseSeconds(const v1::DistillationJob& job, v1::PhaseKind kind) {
  const v1::Phase* phase = FindPhase(job, kind);
  if (phase == nullptr || !phase->has_start_time() || !phase->has_end_time()) {
    return absl::InternalError(absl::StrCat("phase without times: ", job.ShortDebugString()));
  }
  return Seconds(phase->end_time()) - Seconds(phase->start_time());
}

}  // namespace limbeck::bench
