// How the embedded database is tuned: durable first, and small enough for a laptop.
#pragma once

#include <rocksdb/options.h>

#include "base/kv/open.h"

namespace limbeck::kv {

// Options of the database as a whole; memory for memtables is bounded over all tables.
rocksdb::DBOptions DatabaseOptions();

// Options of every column family; they share one block cache of `options.block_cache_bytes`.
rocksdb::ColumnFamilyOptions TableOptions(const OpenOptions& options);

}  // namespace limbeck::kv
