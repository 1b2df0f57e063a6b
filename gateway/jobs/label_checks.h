// What may be wrong with the way a job's answers become labels.
#pragma once

#include "gateway/jobs/fault_list.h"
#include "gateway/jobs/teacher_facts.h"
#include "limbeck/v1/job.pb.h"

namespace limbeck::gateway {

// A method that the teacher cannot do, each with what to choose instead; more candidates per token
// than it gives; votes that would all be
// the same; voting that does not fit. `spec` has its defaults filled in.
void CheckLabelMethod(const v1::JobSpec& spec, const TeacherCatalog& teachers, FaultList* faults);

}  // namespace limbeck::gateway
