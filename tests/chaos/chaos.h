// How long a chaos test goes on, and from which seed.
#pragma once

#include <cstdint>
#include <functional>

#include "absl/time/time.h"
#include "base/hash.h"

namespace limbeck::testing {

// Whether there are minutes to fill.
bool IsLongRun();

// How long to wait for what has to come: so long that only what hangs takes it, on a machine that
// has hardly any time for the test.
absl::Duration HangGuard();

// Calls `round` at least once, then until LIMBECK_CHAOS_MINUTES (default 0) have passed or the test
// has failed. Its draws follow from LIMBECK_CHAOS_SEED (default: the time), which is printed.
void RunRounds(const std::function<void(StableRandom&)>& round);

}  // namespace limbeck::testing
