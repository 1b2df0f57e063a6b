// Fills in every default that the protos promise, so that nothing after it has to know them: what
// is stored, run and sent to trainers is the whole truth.
#pragma once

#include "gateway/jobs/teacher_facts.h"
#include "limbeck/v1/job.pb.h"

namespace limbeck::gateway {

// Idempotent. Values that are set stay, right or wrong, with one exception: where a teacher gives
// text only, `top_logprobs` becomes 0 and labels come from votes. Unknown teachers count as text
// only (validation names them).
void FillDefaults(const TeacherCatalog& teachers, v1::JobSpec* spec);

// Answers asked for per row and variant: 1 with logprobs, else the votes. `spec` has a teacher.
uint32_t SamplesPerItem(const v1::JobSpec& spec);

}  // namespace limbeck::gateway
