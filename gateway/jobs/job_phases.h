// Phases of a job: their order, status and times.
#pragma once

#include "absl/time/time.h"
#include "limbeck/v1/job.pb.h"

namespace limbeck::gateway {

// All phases, not started; SMOKE is skipped where the spec switches it off.
void AddPendingPhases(v1::DistillationJob* job);

v1::PhaseStatus PhaseStatusOf(const v1::DistillationJob& job, v1::PhaseKind kind);

// Starts a phase that has not started; otherwise nothing changes.
void StartPhase(v1::PhaseKind kind, absl::Time now, v1::DistillationJob* job);
// Ends a phase that is not skipped, starting it first where that was missed.
void FinishPhase(v1::PhaseKind kind, absl::Time now, v1::DistillationJob* job);

// "TRAIN" for PHASE_KIND_TRAIN.
std::string PhaseName(v1::PhaseKind kind);

}  // namespace limbeck::gateway
