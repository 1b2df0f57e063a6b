// Votes on one row that are asked for in one call, so that its prompt is billed once.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "cache/records/soft_output.h"
#include "gateway/jobs/job_context.h"
#include "gateway/limits/quota_pool.h"
#include "limbeck/v1/job.pb.h"

namespace limbeck::gateway {

// How many votes one call of the job asks for: what the teacher was declared or seen to give
// (TeacherFacts::answers_per_call), at most the votes that are asked for at once. 1 where labels do
// not come from votes, and where a seed makes each vote a call of its own. `spec` has its defaults.
uint32_t VotesPerCall(const JobContext& context, const v1::JobSpec& spec);

// What one of `votes` answers of a call is likely to use, given what a call for one uses: its own
// output and its part of the input.
TokenCount PartOfCall(const TokenCount& single, uint32_t votes);

// A call's usage, or an amount, over its answers: as even as integers allow, and in sum exactly the
// whole. REQUIRES: `parts` > 0.
std::vector<cache::Usage> SplitUsage(const cache::Usage& whole, size_t parts);
std::vector<int64_t> SplitAmount(int64_t whole, size_t parts);

}  // namespace limbeck::gateway
