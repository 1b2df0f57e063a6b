// Opens an engine by driver name; the one list of drivers.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "base/kv/engine.h"
#include "base/secret.h"

namespace limbeck::kv {

struct OpenOptions {
  // "rocksdb", "postgres" or "memory".
  std::string driver = "rocksdb";
  // Folder of the database (rocksdb); created when missing.
  std::string path;
  // A libpq connection string or URI (postgres), and the password where libpq is not to find one.
  std::string connection;
  Secret password;
  // Connections kept open (postgres), once for reads and writes and once for snapshots and scans.
  int max_connections = 8;
  // For the server's answer, and for a connection to come free (postgres).
  absl::Duration timeout = absl::Seconds(15);
  // Every table the caller will use; missing ones are created.
  std::vector<std::string> tables;
  // Largest batch accepted by Write, in key and value bytes.
  size_t max_batch_bytes = 64u << 20;
  // Memory for cached blocks (rocksdb), bytes.
  size_t block_cache_bytes = 64u << 20;
  // A write that would leave less free space than this on the database's file system is refused
  // with RESOURCE_EXHAUSTED (rocksdb). The reserve is what background flushes may still need; a
  // database that meets a full disk in the middle of a write may abort the process.
  uint64_t min_free_bytes = 64u << 20;
};

// Errors: INVALID_ARGUMENT (unknown driver, an empty, doubled or missing table name),
// FAILED_PRECONDITION (another process has the folder open: the message names the folder and says
// so; a password or database is refused), UNAVAILABLE (a server is not reached), DATA_LOSS (the
// database is damaged).
absl::StatusOr<std::unique_ptr<Engine>> Open(const OpenOptions& options);

}  // namespace limbeck::kv
