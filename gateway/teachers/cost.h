// What a query may cost and did cost, in integer micro-USD.
#pragma once

#include <cstdint>

#include "cache/records/soft_output.h"
#include "gateway/limits/quota_pool.h"
#include "gateway/teachers/teacher.h"

namespace limbeck::gateway {

// Upper bounds without a tokenizer: half a token per ASCII byte, one per other byte, a fixed
// overhead per message and per query; max_tokens of output.
TokenCount EstimateTokens(const TeacherQuery& query);

// `tokens` at the teacher's prices, each side rounded up.
int64_t CostMicroUsd(const TeacherConfig& config, const TokenCount& tokens);

// The reservation for one try.
int64_t UpperBoundMicroUsd(const TeacherConfig& config, const TeacherQuery& query);

// What the provider will bill. An answer without usage counts as the upper bound.
int64_t ActualMicroUsd(const TeacherConfig& config, const TeacherQuery& query,
                       const cache::Usage& usage);

}  // namespace limbeck::gateway
