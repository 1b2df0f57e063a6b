// Connections kept open between uses.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "base/kv/postgres/connection.h"

namespace limbeck::kv {

struct ConnectionPoolOptions {
  std::string conninfo;
  Secret password;
  int max_connections = 8;
  // For a connection to come free or to be made, and for one pipeline.
  absl::Duration timeout = absl::Seconds(15);
};

// Thread-safe; outlives its leases.
class ConnectionPool {
 public:
  // A connection for one thread at a time. Gives it back when destroyed; a transaction that is
  // still open is rolled back.
  class Lease {
   public:
    Lease(Lease&&) = default;
    Lease& operator=(Lease&&) = delete;
    ~Lease();
    PipelineResult Run(const std::vector<Statement>& statements) {
      return connection_->Run(statements, pool_->options_.timeout);
    }
    Connection& operator*() const { return *connection_; }

   private:
    friend class ConnectionPool;
    Lease(ConnectionPool* pool, std::unique_ptr<Connection> connection)
        : pool_(pool), connection_(std::move(connection)) {}

    ConnectionPool* pool_;
    std::unique_ptr<Connection> connection_;
  };

  explicit ConnectionPool(ConnectionPoolOptions options) : options_(std::move(options)) {}

  // UNAVAILABLE: all are in use for the whole timeout, or the server cannot be reached; else what
  // Connection::Open says.
  absl::StatusOr<Lease> Take();

 private:
  void GiveBack(std::unique_ptr<Connection> connection);

  const ConnectionPoolOptions options_;
  absl::Mutex mu_;
  std::vector<std::unique_ptr<Connection>> idle_ ABSL_GUARDED_BY(mu_);
  int open_ ABSL_GUARDED_BY(mu_) = 0;  // Idle ones and leases.
};

}  // namespace limbeck::kv
