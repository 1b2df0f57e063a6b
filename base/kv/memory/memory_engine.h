// An engine in this process's memory, for tests and throw-away runs. Nothing survives it.
#pragma once

#include <memory>

#include "absl/status/statusor.h"
#include "base/kv/engine.h"
#include "base/kv/open.h"

namespace limbeck::kv {

// Uses `tables` and `max_batch_bytes` of `options`. A write while a snapshot or an iterator lives
// copies the written table once.
absl::StatusOr<std::unique_ptr<Engine>> OpenMemoryEngine(const OpenOptions& options);

}  // namespace limbeck::kv
