// What a query may cost and did cost, in integer micro-USD.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "cache/records/soft_output.h"
#include "gateway/limits/quota_pool.h"
#include "gateway/teachers/teacher.h"

namespace limbeck::gateway {

// A billion dollars: whatever a provider claims to have used, no call counts for more.
inline constexpr int64_t kMaxCallMicroUsd = 1'000'000'000'000'000;

// For limits, without a tokenizer: half a token per ASCII byte, one per other byte, a fixed
// overhead per message and per query; max_tokens of output for each answer. More than most texts
// have, but no bound: numbers and symbols may have a token per byte.
TokenCount EstimateTokens(const TeacherQuery& query);

// What no call exceeds: a token per byte, since no tokenizer gives a byte more than one, and the
// overheads; max_tokens of output for each answer.
TokenCount BoundTokens(const TeacherQuery& query);

// Bytes of text that a call sends.
uint64_t PromptBytes(const TeacherQuery& query);

// A call with `usage` at the teacher's prices: the long-context ones where its input is above their
// bound, cached input at its own price, reasoning as output, and the price per request. Each part
// is rounded up.
int64_t CostMicroUsd(const TeacherConfig& config, const cache::Usage& usage);
int64_t CostMicroUsd(const TeacherConfig& config, const TokenCount& tokens);

// The reservation for one try.
int64_t UpperBoundMicroUsd(const TeacherConfig& config, const TeacherQuery& query);

// Whether the provider said what it will bill: every call has input.
inline bool UsageIsReported(const cache::Usage& usage) { return usage.input_tokens > 0; }

// What the provider will bill. An answer without usage counts as the upper bound.
int64_t ActualMicroUsd(const TeacherConfig& config, const TeacherQuery& query,
                       const cache::Usage& usage);

// Whether anything about the teacher has a price.
bool HasPrice(const TeacherConfig& config);

// Everything wrong with the prices; empty when they are usable. `path` is the prefix of field
// names.
std::vector<FieldViolation> CheckPrices(const TeacherConfig& config, std::string_view path);

}  // namespace limbeck::gateway
