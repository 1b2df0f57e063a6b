#include "base/kv/postgres/connection_pool.h"

#include "absl/strings/str_cat.h"

namespace limbeck::kv {

ConnectionPool::Lease::~Lease() {
  if (connection_ == nullptr) return;  // Moved from.
  if (!connection_->IsBroken() && connection_->InTransaction() &&
      !Run({{"ROLLBACK", {}}}).status.ok()) {
    connection_.reset();
  }
  pool_->GiveBack(std::move(connection_));
}

absl::StatusOr<ConnectionPool::Lease> ConnectionPool::Take() {
  {
    absl::MutexLock lock(&mu_);
    const auto free = [this]() ABSL_SHARED_LOCKS_REQUIRED(mu_) {
      return !idle_.empty() || open_ < options_.max_connections;
    };
    if (!mu_.AwaitWithTimeout(absl::Condition(&free), options_.timeout)) {
      return absl::UnavailableError(absl::StrCat("all ", options_.max_connections,
                                                 " connections to the database are in use"));
    }
    while (!idle_.empty()) {
      std::unique_ptr<Connection> connection = std::move(idle_.back());
      idle_.pop_back();
      if (!connection->IsBroken()) return Lease(this, std::move(connection));
      --open_;
    }
    ++open_;
  }
  absl::StatusOr<std::unique_ptr<Connection>> connection =
      Connection::Open(options_.conninfo, options_.password, options_.timeout);
  if (connection.ok()) return Lease(this, *std::move(connection));
  GiveBack(nullptr);
  return connection.status();
}

void ConnectionPool::GiveBack(std::unique_ptr<Connection> connection) {
  absl::MutexLock lock(&mu_);
  if (connection == nullptr || connection->IsBroken()) {
    --open_;
  } else {
    idle_.push_back(std::move(connection));
  }
}

}  // namespace limbeck::kv
