#include "base/kv/postgres/postgres_engine.h"

#include <map>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "base/backoff.h"
#include "base/hash.h"
#include "base/kv/batch_check.h"
#include "base/kv/postgres/connection_pool.h"
#include "base/kv/postgres/postgres_snapshot.h"
#include "base/kv/postgres/postgres_status.h"
#include "base/kv/postgres/tables.h"
#include "base/log.h"
#include "base/status.h"

namespace limbeck::kv {
namespace {

// Transactions that may be lost to parallel ones before a batch is given up.
constexpr int kMaxConflicts = 50;
constexpr BackoffPolicy kConflictBackoff{absl::Milliseconds(1), absl::Milliseconds(50), 1.5, 1.0};
// A read on a connection that turns out to be dead is tried on others.
constexpr int kReadAttempts = 3;
constexpr int kCreateAttempts = 5;

// What a batch comes to, by table and key: of several operations on a key the last one holds.
struct Changes {
  struct Table {
    std::map<std::string, const std::string*> values;  // Null: deleted.
    std::vector<const WriteBatch::Operation*> expected;
  };
  std::map<std::string, Table> tables;
  bool has_expectations = false;

  explicit Changes(const WriteBatch& batch) {
    using Kind = WriteBatch::Operation::Kind;
    for (const WriteBatch::Operation& op : batch.operations()) {
      Table& table = tables[op.table];
      if (op.kind == Kind::kPut || op.kind == Kind::kDelete) {
        table.values[op.key] = op.kind == Kind::kPut ? &op.value : nullptr;
      } else {
        table.expected.push_back(&op);
        has_expectations = true;
      }
    }
  }
};

// Reads what the preconditions speak of.
std::vector<Statement> ReadExpected(const Changes& changes, const Tables& tables) {
  std::vector<Statement> statements;
  for (const auto& [name, table] : changes.tables) {
    if (table.expected.empty()) continue;
    std::vector<std::string> keys;
    for (const WriteBatch::Operation* op : table.expected) keys.push_back(op->key);
    statements.push_back(tables.ReadAndLock(name, keys));
  }
  return statements;
}

// `rows`: answers to ReadExpected, beginning at `answer`.
absl::Status CheckExpected(const Changes& changes, const std::vector<Rows>& rows, size_t answer) {
  for (const auto& [name, table] : changes.tables) {
    if (table.expected.empty()) continue;
    std::map<std::string_view, std::string_view> found;
    const Rows& answers = rows[answer++];
    for (int row = 0; row < answers.size(); ++row) found[answers.Get(row, 0)] = answers.Get(row, 1);
    for (const WriteBatch::Operation* op : table.expected) {
      const auto it = found.find(op->key);
      const bool holds = op->kind == WriteBatch::Operation::Kind::kExpectAbsent
                             ? it == found.end()
                             : it != found.end() && it->second == op->value;
      if (!holds) return PreconditionFailed(*op);
    }
  }
  return absl::OkStatus();
}

std::vector<Statement> WriteChanges(const Changes& changes, const Tables& tables) {
  std::vector<Statement> statements;
  for (const auto& [name, table] : changes.tables) {
    std::vector<std::string> keys, values, deleted;
    for (const auto& [key, value] : table.values) {
      if (value == nullptr) {
        deleted.push_back(key);
      } else {
        keys.push_back(key);
        values.push_back(*value);
      }
    }
    if (!keys.empty()) statements.push_back(tables.Upsert(name, keys, values));
    if (!deleted.empty()) statements.push_back(tables.Delete(name, deleted));
  }
  return statements;
}

ConnectionPoolOptions PoolOptions(const OpenOptions& options) {
  ConnectionPoolOptions pool;
  pool.conninfo = options.connection;
  pool.password = options.password;
  pool.max_connections = options.max_connections;
  pool.timeout = options.timeout;
  return pool;
}

class PostgresEngine : public Engine {
 public:
  PostgresEngine(Tables tables, const OpenOptions& options)
      : tables_(std::move(tables)),
        max_batch_bytes_(options.max_batch_bytes),
        connections_(PoolOptions(options)),
        moments_(PoolOptions(options)) {}

  absl::Status CreateTables() {
    for (int attempt = 1; true; ++attempt) {
      LIMBECK_ASSIGN_OR_RETURN(ConnectionPool::Lease lease, connections_.Take());
      if (attempt == 1 && !(*lease).server_syncs()) {
        LIMBECK_LOG(WARNING) << "the database runs with fsync = off: what it acknowledges does not "
                                "survive a power failure";
      }
      std::vector<Statement> statements;
      for (const std::string& name : tables_.names()) statements.push_back(tables_.Create(name));
      const PipelineResult result = lease.Run(statements);
      if (result.status.ok()) return absl::OkStatus();
      if (!IsCreatedMeanwhile(result.sqlstate) || attempt == kCreateAttempts) return result.status;
    }
  }

  absl::StatusOr<std::optional<std::string>> Get(std::string_view table,
                                                 std::string_view key) const override {
    LIMBECK_ASSIGN_OR_RETURN(auto values, MultiGet(table, {std::string(key)}));
    return std::move(values[0]);
  }

  absl::StatusOr<std::vector<std::optional<std::string>>> MultiGet(
      std::string_view table, const std::vector<std::string>& keys) const override {
    LIMBECK_RETURN_IF_ERROR(tables_.Check(table));
    for (int attempt = 1; true; ++attempt) {
      LIMBECK_ASSIGN_OR_RETURN(ConnectionPool::Lease lease, connections_.Take());
      const PipelineResult result = lease.Run({tables_.Read(table, keys)});
      if (result.status.ok()) return InOrderOf(keys, result.rows[0]);
      if (!(*lease).IsBroken() || attempt == kReadAttempts) return result.status;
    }
  }

  absl::StatusOr<std::unique_ptr<Iterator>> Scan(std::string_view table, std::string_view begin,
                                                 std::string_view end) const override {
    LIMBECK_RETURN_IF_ERROR(tables_.Check(table));
    LIMBECK_ASSIGN_OR_RETURN(std::shared_ptr<Moment> moment, Moment::Begin(&moments_, &tables_));
    return ScanOf(std::move(moment), table, begin, end);
  }

  absl::StatusOr<std::unique_ptr<Snapshot>> NewSnapshot() const override {
    LIMBECK_ASSIGN_OR_RETURN(std::shared_ptr<Moment> moment, Moment::Begin(&moments_, &tables_));
    return SnapshotOf(std::move(moment));
  }

  absl::Status Write(const WriteBatch& batch) override {
    LIMBECK_RETURN_IF_ERROR(CheckBatch(batch, tables_.names(), max_batch_bytes_));
    if (batch.empty()) return absl::OkStatus();
    const Changes changes(batch);
    Backoff backoff(kConflictBackoff, StableRandom(absl::GetCurrentTimeNanos(), 0));
    for (int attempt = 1; true; ++attempt) {
      PipelineResult result = TryWrite(changes);
      if (!IsConflict(result.sqlstate)) return result.status;
      if (attempt == kMaxConflicts) {
        return absl::AbortedError(absl::StrCat("other writers changed the same rows ", attempt,
                                               " times in between; nothing was written"));
      }
      absl::SleepFor(backoff.Next());
    }
  }

 private:
  // ABORTED by a precondition has no SQLSTATE.
  PipelineResult TryWrite(const Changes& changes) {
    absl::StatusOr<ConnectionPool::Lease> lease = connections_.Take();
    if (!lease.ok()) return {lease.status(), "", {}, ""};
    std::vector<Statement> statements = {{"BEGIN ISOLATION LEVEL SERIALIZABLE", {}}};
    if (changes.has_expectations) {
      for (Statement& read : ReadExpected(changes, tables_)) statements.push_back(std::move(read));
      PipelineResult read = lease->Run(statements);
      if (read.status.ok()) read.status = CheckExpected(changes, read.rows, 1);
      if (!read.status.ok()) return read;
      statements.clear();
    }
    for (Statement& write : WriteChanges(changes, tables_)) statements.push_back(std::move(write));
    statements.push_back({"COMMIT", {}});
    PipelineResult written = lease->Run(statements);
    if (written.status.ok() && !written.warning.empty()) {
      written.status = absl::UnavailableError(
          absl::StrCat("the database confirmed a commit with a warning: ", written.warning));
    }
    return written;
  }

  const Tables tables_;
  const size_t max_batch_bytes_;
  mutable ConnectionPool connections_;
  // For snapshots and scans, which hold theirs for long.
  mutable ConnectionPool moments_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Engine>> OpenPostgresEngine(const OpenOptions& options) {
  if (options.connection.empty()) {
    return absl::InvalidArgumentError("driver postgres needs a connection string");
  }
  LIMBECK_ASSIGN_OR_RETURN(Tables tables, Tables::Named(options.tables));
  auto engine = std::make_unique<PostgresEngine>(std::move(tables), options);
  LIMBECK_RETURN_IF_ERROR(engine->CreateTables());
  return engine;
}

}  // namespace limbeck::kv
