// A job's progress in one line.
#pragma once

#include <string>

#include "limbeck/v1/job.pb.h"

namespace limbeck::cli {

// The phase that is at work: the last one RUNNING, else the last one DONE. PHASE_KIND_UNSPECIFIED
// before the first.
v1::PhaseKind CurrentPhase(const v1::DistillationJob& job);

// "HARVEST", "TRAIN", …; the state's name when no phase has started or the job is not RUNNING.
std::string StageName(const v1::DistillationJob& job);

// "HARVEST  42 %  bought 812, cached 30, rejected 3 of 2,000 queries  $0.12 of $1.00,
// $0.29 to $0.31 in all  3m10s left".
// While training also steps, loss and agreement.
std::string ProgressText(const v1::DistillationJob& job);

// "[##########----------] " and ProgressText, cut to `columns`.
std::string ProgressBar(const v1::DistillationJob& job, size_t columns);

}  // namespace limbeck::cli
