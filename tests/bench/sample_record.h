// Soft outputs as real teachers give them, for benchmarks of the cache.
#pragma once

#include <cstddef>
#include <cstdint>

#include "cache/records/soft_output.h"

namespace limbeck::bench {

// `tokens` tokens of `top` candidates; the first token's first candidates are label words. Equal
// arguments give equal outputs, different seeds different ones.
cache::SoftOutput SampleOutput(size_t tokens, size_t top, uint64_t seed);

}  // namespace limbeck::bench
