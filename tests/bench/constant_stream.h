// The limit of a stream over gRPC: one slice of constant bytes, sent again and again by another
// process, read and dropped.
#pragma once

#include <cstddef>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace limbeck::bench {

inline constexpr size_t kConstantSliceBytes = 512 << 10;

// The serving process: prints "listening on PORT" and serves until it is killed.
int ServeConstantStream();

// Bytes a second over `bytes` read from the server at 127.0.0.1:`port`.
absl::StatusOr<double> ReadConstantStream(int port, size_t bytes);

}  // namespace limbeck::bench
