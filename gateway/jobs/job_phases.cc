#include "gateway/jobs/job_phases.h"

#include "gateway/jobs/proto_time.h"

namespace limbeck::gateway {
namespace {

v1::Phase* Find(v1::PhaseKind kind, v1::DistillationJob* job) {
  for (v1::Phase& phase : *job->mutable_phases()) {
    if (phase.kind() == kind) return &phase;
  }
  return nullptr;
}

}  // namespace

void AddPendingPhases(v1::DistillationJob* job) {
  for (int kind = v1::PHASE_KIND_SMOKE; kind <= v1::PHASE_KIND_EXPORT; ++kind) {
    v1::Phase* phase = job->add_phases();
    phase->set_kind(static_cast<v1::PhaseKind>(kind));
    const bool skipped = kind == v1::PHASE_KIND_SMOKE && job->spec().smoke().rows() == 0;
    phase->set_status(skipped ? v1::PHASE_STATUS_SKIPPED : v1::PHASE_STATUS_PENDING);
  }
}

v1::PhaseStatus PhaseStatusOf(const v1::DistillationJob& job, v1::PhaseKind kind) {
  for (const v1::Phase& phase : job.phases()) {
    if (phase.kind() == kind) return phase.status();
  }
  return v1::PHASE_STATUS_UNSPECIFIED;
}

void StartPhase(v1::PhaseKind kind, absl::Time now, v1::DistillationJob* job) {
  v1::Phase* phase = Find(kind, job);
  if (phase == nullptr || phase->status() != v1::PHASE_STATUS_PENDING) return;
  phase->set_status(v1::PHASE_STATUS_RUNNING);
  *phase->mutable_start_time() = ToProto(now);
}

void FinishPhase(v1::PhaseKind kind, absl::Time now, v1::DistillationJob* job) {
  StartPhase(kind, now, job);
  v1::Phase* phase = Find(kind, job);
  if (phase == nullptr || phase->status() != v1::PHASE_STATUS_RUNNING) return;
  phase->set_status(v1::PHASE_STATUS_DONE);
  *phase->mutable_end_time() = ToProto(now);
}

std::string PhaseName(v1::PhaseKind kind) {
  constexpr size_t kPrefix = sizeof("PHASE_KIND_") - 1;
  const std::string& name = v1::PhaseKind_Name(kind);
  return name.size() > kPrefix ? name.substr(kPrefix) : "UNKNOWN";
}

}  // namespace limbeck::gateway
