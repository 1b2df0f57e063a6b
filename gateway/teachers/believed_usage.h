// A provider's word on what a call used, where it can be true.
#pragma once

#include "cache/records/soft_output.h"

namespace limbeck::gateway {

// Far beyond any model's context: a count above it is an error of the provider's, and believing it
// would empty every budget and block the account's limits for years.
inline constexpr uint64_t kMostTokensPerCall = 1'000'000'000;

// The answer's usage, or none, so that the call's upper bound counts: where a count is above
// kMostTokensPerCall, and where a sampled answer says something and its output counts nothing
// (parsers pass over negative counts). Usage above the upper bound that may be true stays.
cache::Usage BelievedUsage(const cache::SoftOutput& output, bool sampled);

}  // namespace limbeck::gateway
