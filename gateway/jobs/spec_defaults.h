// Fills in every default that the protos promise, so that nothing after it has to know them: what
// is stored, run and sent to trainers is the whole truth.
#pragma once

#include <string>
#include <vector>

#include "gateway/jobs/teacher_facts.h"
#include "limbeck/v1/job.pb.h"

namespace limbeck::gateway {

// Idempotent. Values that are set stay, right or wrong, with exceptions: `top_logprobs` becomes 0
// where the method of labels needs none or the teacher gives none; the automatic method becomes
// the one it stands for; what is output only is cleared. Unknown teachers count as text only
// (validation names them).
void FillDefaults(const TeacherCatalog& teachers, v1::JobSpec* spec);

// Queries per row and variant, at most: the votes where labels come from votes, one per label where
// labels are scored, else 1. `spec` has its defaults filled in.
uint32_t SamplesPerItem(const v1::JobSpec& spec);
// Those that are asked at once; fewer than SamplesPerItem where voting may stop early.
uint32_t FirstSamplesPerItem(const v1::JobSpec& spec);
// Whether labels come from votes.
bool CountsVotes(const v1::JobSpec& spec);
// Every name and variant once, in order of the labels.
std::vector<std::string> LabelSpellings(const v1::ClassifyTask& task);

}  // namespace limbeck::gateway
