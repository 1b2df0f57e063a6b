// The one place where RocksDB's statuses become ours.
#pragma once

#include <rocksdb/status.h>

#include <string_view>

#include "absl/status/status.h"

namespace limbeck::kv {

// "`action`: …". Corruption → DATA_LOSS, no space → RESOURCE_EXHAUSTED, other I/O and busy states →
// UNAVAILABLE, the rest → INTERNAL.
absl::Status FromRocksdb(const rocksdb::Status& status, std::string_view action);

// FAILED_PRECONDITION with advice where another process, or this one, has `path` open.
absl::Status FromRocksdbOpen(const rocksdb::Status& status, std::string_view path);

}  // namespace limbeck::kv
