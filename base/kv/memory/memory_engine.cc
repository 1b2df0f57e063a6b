#include "base/kv/memory/memory_engine.h"

#include <algorithm>
#include <map>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "base/kv/batch_check.h"
#include "base/status.h"

namespace limbeck::kv {
namespace {

using Table = std::map<std::string, std::string, std::less<>>;
// Tables by the position of their name in OpenOptions::tables.
using Tables = std::vector<std::shared_ptr<Table>>;

std::optional<std::string> Find(const Table& table, std::string_view key) {
  const auto found = table.find(key);
  if (found == table.end()) return std::nullopt;
  return found->second;
}

// Shares tables with the engine. The references are dropped under the engine's mutex, so that a
// writer who finds itself the only owner may change a table in place.
class SharedTables {
 public:
  SharedTables(Tables tables, absl::Mutex* mu) : tables_(std::move(tables)), mu_(mu) {}
  ~SharedTables() {
    absl::MutexLock lock(mu_);
    tables_.clear();
  }
  SharedTables(const SharedTables&) = delete;
  SharedTables& operator=(const SharedTables&) = delete;

  const Table& table(size_t index) const { return *tables_[index]; }

 private:
  Tables tables_;
  absl::Mutex* const mu_;
};

class MemoryIterator : public Iterator {
 public:
  MemoryIterator(std::shared_ptr<const SharedTables> tables, size_t index, std::string_view begin,
                 std::string_view end)
      : tables_(std::move(tables)),
        position_(tables_->table(index).lower_bound(begin)),
        end_(end.empty() ? tables_->table(index).end() : tables_->table(index).lower_bound(end)) {
    // An inverted range is empty, as it is for every driver.
    if (!end.empty() && end < begin) position_ = end_;
  }

  bool Valid() const override { return position_ != end_; }
  std::string_view key() const override { return position_->first; }
  std::string_view value() const override { return position_->second; }
  void Next() override { ++position_; }
  absl::Status status() const override { return absl::OkStatus(); }

 private:
  const std::shared_ptr<const SharedTables> tables_;
  Table::const_iterator position_;
  const Table::const_iterator end_;
};

class MemorySnapshot : public Snapshot {
 public:
  MemorySnapshot(const std::vector<std::string>* names, std::shared_ptr<const SharedTables> tables)
      : names_(names), tables_(std::move(tables)) {}

  absl::StatusOr<std::optional<std::string>> Get(std::string_view table,
                                                 std::string_view key) const override {
    LIMBECK_ASSIGN_OR_RETURN(const size_t index, Index(table));
    return Find(tables_->table(index), key);
  }

  absl::StatusOr<std::vector<std::optional<std::string>>> MultiGet(
      std::string_view table, const std::vector<std::string>& keys) const override {
    LIMBECK_ASSIGN_OR_RETURN(const size_t index, Index(table));
    std::vector<std::optional<std::string>> values;
    values.reserve(keys.size());
    for (const std::string& key : keys) values.push_back(Find(tables_->table(index), key));
    return values;
  }

  absl::StatusOr<std::unique_ptr<Iterator>> Scan(std::string_view table, std::string_view begin,
                                                 std::string_view end) const override {
    LIMBECK_ASSIGN_OR_RETURN(const size_t index, Index(table));
    return std::make_unique<MemoryIterator>(tables_, index, begin, end);
  }

 private:
  absl::StatusOr<size_t> Index(std::string_view table) const {
    const auto found = std::find(names_->begin(), names_->end(), table);
    if (found == names_->end()) return UnknownTable(table, *names_);
    return static_cast<size_t>(found - names_->begin());
  }

  const std::vector<std::string>* const names_;  // The engine's.
  const std::shared_ptr<const SharedTables> tables_;
};

class MemoryEngine : public Engine {
 public:
  explicit MemoryEngine(const OpenOptions& options)
      : names_(options.tables), max_batch_bytes_(options.max_batch_bytes) {
    for (size_t i = 0; i < names_.size(); ++i) tables_.push_back(std::make_shared<Table>());
  }

  // Point reads happen under the mutex: sharing the tables would make a parallel writer copy one.
  absl::StatusOr<std::optional<std::string>> Get(std::string_view table,
                                                 std::string_view key) const override {
    if (!Known(table)) return UnknownTable(table, names_);
    absl::MutexLock lock(&mu_);
    return Find(*tables_[Index(table)], key);
  }
  absl::StatusOr<std::vector<std::optional<std::string>>> MultiGet(
      std::string_view table, const std::vector<std::string>& keys) const override {
    if (!Known(table)) return UnknownTable(table, names_);
    std::vector<std::optional<std::string>> values;
    values.reserve(keys.size());
    absl::MutexLock lock(&mu_);
    for (const std::string& key : keys) values.push_back(Find(*tables_[Index(table)], key));
    return values;
  }
  absl::StatusOr<std::unique_ptr<Iterator>> Scan(std::string_view table, std::string_view begin,
                                                 std::string_view end) const override {
    return MemorySnapshot(&names_, Share()).Scan(table, begin, end);
  }

  absl::StatusOr<std::unique_ptr<Snapshot>> NewSnapshot() const override {
    return std::make_unique<MemorySnapshot>(&names_, Share());
  }

  absl::Status Write(const WriteBatch& batch) override {
    using Kind = WriteBatch::Operation::Kind;
    LIMBECK_RETURN_IF_ERROR(CheckBatch(batch, names_, max_batch_bytes_));
    absl::MutexLock lock(&mu_);
    for (const WriteBatch::Operation& op : batch.operations()) {
      if (op.kind == Kind::kPut || op.kind == Kind::kDelete) continue;
      const Table& table = *tables_[Index(op.table)];
      const auto found = table.find(op.key);
      const bool holds = op.kind == Kind::kExpectAbsent
                             ? found == table.end()
                             : found != table.end() && found->second == op.value;
      if (!holds) return PreconditionFailed(op);
    }
    for (const WriteBatch::Operation& op : batch.operations()) {
      if (op.kind == Kind::kPut) {
        Writable(Index(op.table)).insert_or_assign(op.key, op.value);
      } else if (op.kind == Kind::kDelete) {
        Writable(Index(op.table)).erase(op.key);
      }
    }
    return absl::OkStatus();
  }

 private:
  bool Known(std::string_view table) const { return Index(table) < names_.size(); }

  // The number of tables for an unknown one.
  size_t Index(std::string_view table) const {
    return static_cast<size_t>(std::find(names_.begin(), names_.end(), table) - names_.begin());
  }

  Table& Writable(size_t index) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
    if (tables_[index].use_count() > 1) tables_[index] = std::make_shared<Table>(*tables_[index]);
    return *tables_[index];
  }

  std::shared_ptr<const SharedTables> Share() const {
    Tables shared;
    {
      absl::MutexLock lock(&mu_);
      shared = tables_;
    }
    return std::make_shared<SharedTables>(std::move(shared), &mu_);
  }

  const std::vector<std::string> names_;
  const size_t max_batch_bytes_;
  mutable absl::Mutex mu_;
  Tables tables_ ABSL_GUARDED_BY(mu_);
};

}  // namespace

absl::StatusOr<std::unique_ptr<Engine>> OpenMemoryEngine(const OpenOptions& options) {
  return std::make_unique<MemoryEngine>(options);
}

}  // namespace limbeck::kv
