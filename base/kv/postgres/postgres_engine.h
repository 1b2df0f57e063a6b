// The engine for more than one machine: a server that speaks PostgreSQL's protocol.
#pragma once

#include <memory>

#include "absl/status/statusor.h"
#include "base/kv/engine.h"
#include "base/kv/open.h"

namespace limbeck::kv {

// Connects to the database of `options.connection` and creates missing tables in the first schema
// of its search path. Several processes may have it open. Errors: INVALID_ARGUMENT (no connection
// string, an impossible table name), FAILED_PRECONDITION (password, database or schema refused),
// UNAVAILABLE (not reached).
//
// A batch is one serializable transaction, tried again when it loses against a parallel one. It is
// durable when Write returns OK as far as the server's synchronous_commit and its standbys make it;
// "off" is turned on, and a server with fsync off is warned of. A server that confirms a commit
// without its synchronous standby (the wait was cancelled) is not believed: UNAVAILABLE. Keys are
// limited by the server's index, to some 2,600 bytes in PostgreSQL.
absl::StatusOr<std::unique_ptr<Engine>> OpenPostgresEngine(const OpenOptions& options);

}  // namespace limbeck::kv
