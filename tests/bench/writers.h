// Many threads that write at once, timed together.
#pragma once

#include <functional>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace limbeck::bench {

// Calls `write(writer, index)` for each index in [0, count) on each of `writers` threads, all
// released at once; writes per second over all of them. The first error ends that thread.
absl::StatusOr<double> TimeWriters(size_t writers, size_t count,
                                   const std::function<absl::Status(size_t, size_t)>& write);

}  // namespace limbeck::bench
