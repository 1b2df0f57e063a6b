// One moment of the database: a read-only transaction that stays open on a connection of its own.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "base/kv/engine.h"
#include "base/kv/postgres/connection_pool.h"
#include "base/kv/postgres/tables.h"

namespace limbeck::kv {

// Values of `keys`, in their order, out of the rows (k, v) of Tables::Read.
std::vector<std::optional<std::string>> InOrderOf(const std::vector<std::string>& keys,
                                                  const Rows& rows);

// Thread-safe: what it is asked for runs one after another.
class Moment {
 public:
  // Borrows both.
  static absl::StatusOr<std::shared_ptr<Moment>> Begin(ConnectionPool* pool, const Tables* tables);

  absl::StatusOr<Rows> Run(const Statement& statement);
  const Tables& tables() const { return *tables_; }

 private:
  Moment(ConnectionPool::Lease lease, const Tables* tables)
      : tables_(tables), lease_(std::move(lease)) {}

  const Tables* const tables_;
  absl::Mutex mu_;
  ConnectionPool::Lease lease_ ABSL_GUARDED_BY(mu_);
};

std::unique_ptr<Snapshot> SnapshotOf(std::shared_ptr<Moment> moment);

// Reads ahead in pages of some megabytes.
absl::StatusOr<std::unique_ptr<Iterator>> ScanOf(std::shared_ptr<Moment> moment,
                                                 std::string_view table, std::string_view begin,
                                                 std::string_view end);

}  // namespace limbeck::kv
