// The embedded engine: a RocksDB database in a folder, one column family per table.
#pragma once

#include <memory>

#include "absl/status/statusor.h"
#include "base/kv/engine.h"
#include "base/kv/open.h"

namespace limbeck::kv {

// Opens or creates the database in `options.path`; the folder belongs to one process at a time.
// Errors: INVALID_ARGUMENT (no path), FAILED_PRECONDITION (open elsewhere), DATA_LOSS (damaged),
// UNAVAILABLE (the file system failed), RESOURCE_EXHAUSTED (no space).
//
// Every Write is synced. After a write failed with UNAVAILABLE or DATA_LOSS the engine may refuse
// further writes until it is opened again.
absl::StatusOr<std::unique_ptr<Engine>> OpenRocksdbEngine(const OpenOptions& options);

}  // namespace limbeck::kv
