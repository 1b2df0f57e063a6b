#include "base/kv/rocksdb/rocksdb_engine.h"

#include <rocksdb/db.h>
#include <sys/statvfs.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <map>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/file.h"
#include "base/kv/batch_check.h"
#include "base/kv/rocksdb/key_locks.h"
#include "base/kv/rocksdb/rocksdb_options.h"
#include "base/kv/rocksdb/rocksdb_status.h"
#include "base/status.h"
#include "base/string_view.h"

namespace limbeck::kv {
namespace {

// RocksDB's own bytes beside a key and a value, at most about.
constexpr size_t kBatchBytesPerOperation = 16;

rocksdb::Slice ToSlice(std::string_view bytes) { return {bytes.data(), bytes.size()}; }
std::string_view ToView(const rocksdb::Slice& slice) { return {slice.data(), slice.size()}; }

class RocksdbIterator : public Iterator {
 public:
  RocksdbIterator(rocksdb::DB* db, rocksdb::ColumnFamilyHandle* family, rocksdb::ReadOptions read,
                  std::string_view table, std::string_view begin, std::string_view end)
      : table_(table), end_(end), end_slice_(end_) {
    if (!end_.empty()) read.iterate_upper_bound = &end_slice_;
    iterator_.reset(db->NewIterator(read, family));
    // Seeking past the bound is allowed, but what it then shows is not; an inverted range is empty.
    empty_ = !end_.empty() && end <= begin;
    if (!empty_) iterator_->Seek(ToSlice(begin));
  }

  bool Valid() const override { return !empty_ && iterator_->Valid(); }
  std::string_view key() const override { return ToView(iterator_->key()); }
  std::string_view value() const override { return ToView(iterator_->value()); }
  void Next() override { iterator_->Next(); }
  absl::Status status() const override {
    return FromRocksdb(iterator_->status(), absl::StrCat("scan table ", table_));
  }

 private:
  const std::string table_;
  const std::string end_;
  const rocksdb::Slice end_slice_;  // RocksDB keeps a pointer to it.
  bool empty_ = false;
  std::unique_ptr<rocksdb::Iterator> iterator_;
};

// The open database and its families. Thread-safe after Open.
class Database {
 public:
  ~Database() {
    if (db_ == nullptr) return;
    for (rocksdb::ColumnFamilyHandle* family : families_) db_->DestroyColumnFamilyHandle(family);
    // Close reports what the destructor would swallow, but everything acknowledged is in the log.
    db_->Close().PermitUncheckedError();
  }

  absl::Status Open(const OpenOptions& options) {
    LIMBECK_ASSIGN_OR_RETURN(const std::vector<std::string> existing, ExistingFamilies(options));
    std::vector<std::string> names = options.tables;
    names.push_back(rocksdb::kDefaultColumnFamilyName);
    names.insert(names.end(), existing.begin(), existing.end());
    std::sort(names.begin(), names.end());
    names.erase(std::unique(names.begin(), names.end()), names.end());

    const rocksdb::ColumnFamilyOptions table_options = TableOptions(options);
    std::vector<rocksdb::ColumnFamilyDescriptor> descriptors;
    for (const std::string& name : names) descriptors.emplace_back(name, table_options);
    rocksdb::DB* db = nullptr;
    const rocksdb::Status status =
        rocksdb::DB::Open(DatabaseOptions(), options.path, descriptors, &families_, &db);
    if (!status.ok()) return FromRocksdbOpen(status, options.path);
    db_.reset(db);
    for (const std::string& table : options.tables) {
      tables_[table] = families_[static_cast<size_t>(
          std::lower_bound(names.begin(), names.end(), table) - names.begin())];
    }
    names_ = options.tables;
    return absl::OkStatus();
  }

  rocksdb::DB* db() const { return db_.get(); }
  const std::vector<std::string>& names() const { return names_; }

  // Null for an unknown table.
  rocksdb::ColumnFamilyHandle* Family(std::string_view table) const {
    const auto found = tables_.find(table);
    return found == tables_.end() ? nullptr : found->second;
  }

  absl::StatusOr<std::optional<std::string>> Get(const rocksdb::ReadOptions& read,
                                                 std::string_view table,
                                                 std::string_view key) const {
    rocksdb::ColumnFamilyHandle* family = Family(table);
    if (family == nullptr) return UnknownTable(table, names_);
    std::string value;
    const rocksdb::Status status = db_->Get(read, family, ToSlice(key), &value);
    if (status.IsNotFound()) return std::nullopt;
    if (!status.ok()) return FromRocksdb(status, ReadFrom(table));
    return value;
  }

  absl::StatusOr<std::vector<std::optional<std::string>>> MultiGet(
      const rocksdb::ReadOptions& read, std::string_view table,
      const std::vector<std::string>& keys) const {
    rocksdb::ColumnFamilyHandle* family = Family(table);
    if (family == nullptr) return UnknownTable(table, names_);
    const std::vector<rocksdb::ColumnFamilyHandle*> families(keys.size(), family);
    const std::vector<rocksdb::Slice> slices(keys.begin(), keys.end());
    std::vector<std::string> found;
    const std::vector<rocksdb::Status> statuses = db_->MultiGet(read, families, slices, &found);
    std::vector<std::optional<std::string>> values(keys.size());
    for (size_t i = 0; i < keys.size(); ++i) {
      if (statuses[i].IsNotFound()) continue;
      if (!statuses[i].ok()) return FromRocksdb(statuses[i], ReadFrom(table));
      values[i] = std::move(found[i]);
    }
    return values;
  }

  absl::StatusOr<std::unique_ptr<Iterator>> Scan(const rocksdb::ReadOptions& read,
                                                 std::string_view table, std::string_view begin,
                                                 std::string_view end) const {
    rocksdb::ColumnFamilyHandle* family = Family(table);
    if (family == nullptr) return UnknownTable(table, names_);
    return std::make_unique<RocksdbIterator>(db_.get(), family, read, table, begin, end);
  }

 private:
  static std::string ReadFrom(std::string_view table) {
    return absl::StrCat("read from table ", ToAbsl(table));
  }

  // Families on disk, all of which RocksDB wants opened; none for a new database.
  static absl::StatusOr<std::vector<std::string>> ExistingFamilies(const OpenOptions& options) {
    std::vector<std::string> names;
    std::error_code error;
    if (!std::filesystem::exists(std::filesystem::path(options.path) / "CURRENT", error)) {
      return names;
    }
    const rocksdb::Status status =
        rocksdb::DB::ListColumnFamilies(DatabaseOptions(), options.path, &names);
    if (!status.ok()) return FromRocksdbOpen(status, options.path);
    return names;
  }

  // Constant after Open.
  std::unique_ptr<rocksdb::DB> db_;
  std::vector<rocksdb::ColumnFamilyHandle*> families_;
  std::map<std::string, rocksdb::ColumnFamilyHandle*, std::less<>> tables_;
  std::vector<std::string> names_;
};

class RocksdbSnapshot : public Snapshot {
 public:
  explicit RocksdbSnapshot(const Database* database)
      : database_(database), snapshot_(database->db()->GetSnapshot()) {
    read_.snapshot = snapshot_;
  }
  ~RocksdbSnapshot() override { database_->db()->ReleaseSnapshot(snapshot_); }

  absl::StatusOr<std::optional<std::string>> Get(std::string_view table,
                                                 std::string_view key) const override {
    return database_->Get(read_, table, key);
  }
  absl::StatusOr<std::vector<std::optional<std::string>>> MultiGet(
      std::string_view table, const std::vector<std::string>& keys) const override {
    return database_->MultiGet(read_, table, keys);
  }
  absl::StatusOr<std::unique_ptr<Iterator>> Scan(std::string_view table, std::string_view begin,
                                                 std::string_view end) const override {
    return database_->Scan(read_, table, begin, end);
  }

 private:
  const Database* const database_;  // The engine's, which outlives this.
  const rocksdb::Snapshot* const snapshot_;
  rocksdb::ReadOptions read_;
};

class RocksdbEngine : public Engine {
 public:
  explicit RocksdbEngine(const OpenOptions& options) : options_(options) {}

  absl::Status Open() { return database_.Open(options_); }

  absl::StatusOr<std::optional<std::string>> Get(std::string_view table,
                                                 std::string_view key) const override {
    return database_.Get({}, table, key);
  }
  absl::StatusOr<std::vector<std::optional<std::string>>> MultiGet(
      std::string_view table, const std::vector<std::string>& keys) const override {
    return database_.MultiGet({}, table, keys);
  }
  absl::StatusOr<std::unique_ptr<Iterator>> Scan(std::string_view table, std::string_view begin,
                                                 std::string_view end) const override {
    return database_.Scan({}, table, begin, end);
  }

  absl::StatusOr<std::unique_ptr<Snapshot>> NewSnapshot() const override {
    return std::make_unique<RocksdbSnapshot>(&database_);
  }

  absl::Status Write(const WriteBatch& batch) override {
    LIMBECK_RETURN_IF_ERROR(CheckBatch(batch, database_.names(), options_.max_batch_bytes));
    LIMBECK_RETURN_IF_ERROR(CheckSpace(batch.bytes()));
    // Without preconditions the locks are needed as well: a plain write must not slip between
    // another batch's check and its write.
    const KeyLocks::Hold hold(&locks_, batch);
    LIMBECK_RETURN_IF_ERROR(CheckPreconditions(batch));
    rocksdb::WriteBatch changes(batch.bytes() +
                                kBatchBytesPerOperation * batch.operations().size());
    for (const WriteBatch::Operation& op : batch.operations()) {
      rocksdb::Status status;
      if (op.kind == WriteBatch::Operation::Kind::kPut) {
        status = changes.Put(database_.Family(op.table), op.key, op.value);
      } else if (op.kind == WriteBatch::Operation::Kind::kDelete) {
        status = changes.Delete(database_.Family(op.table), op.key);
      }
      LIMBECK_RETURN_IF_ERROR(FromRocksdb(status, "build batch"));
    }
    if (changes.Count() == 0) return absl::OkStatus();
    rocksdb::WriteOptions write;
    write.sync = true;  // Writers that wait at the same time share one sync.
    return FromRocksdb(database_.db()->Write(write, &changes), "write batch");
  }

 private:
  absl::Status CheckPreconditions(const WriteBatch& batch) const {
    using Kind = WriteBatch::Operation::Kind;
    for (const WriteBatch::Operation& op : batch.operations()) {
      if (op.kind == Kind::kPut || op.kind == Kind::kDelete) continue;
      LIMBECK_ASSIGN_OR_RETURN(const std::optional<std::string> value,
                               database_.Get({}, op.table, op.key));
      const bool holds = op.kind == Kind::kExpectAbsent ? !value.has_value()
                                                        : value.has_value() && *value == op.value;
      if (!holds) return PreconditionFailed(op);
    }
    return absl::OkStatus();
  }

  // The batch is written to the log now and to a table file later, hence twice.
  absl::Status CheckSpace(size_t batch_bytes) const {
    struct statvfs stats;
    if (::statvfs(options_.path.c_str(), &stats) != 0) {
      return absl::UnavailableError(absl::StrCat("read free space of ", options_.path, ": ",
                                                 absl::ErrnoToStatus(errno, "").message()));
    }
    const uint64_t free = static_cast<uint64_t>(stats.f_bavail) * stats.f_frsize;
    const uint64_t reserve = options_.min_free_bytes;
    if (free >= reserve && free - reserve >= 2 * static_cast<uint64_t>(batch_bytes)) {
      return absl::OkStatus();
    }
    return absl::ResourceExhaustedError(
        absl::StrCat("file system of ", options_.path, " has ", free, " bytes free, too few for a ",
                     "write of ", batch_bytes, " bytes above the reserve of ", reserve,
                     " (min_free_bytes); free some space or move the database"));
  }

  const OpenOptions options_;
  KeyLocks locks_;
  Database database_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Engine>> OpenRocksdbEngine(const OpenOptions& options) {
  if (options.path.empty()) {
    return absl::InvalidArgumentError("driver rocksdb needs a folder (path)");
  }
  const std::filesystem::path path(options.path);
  LIMBECK_RETURN_IF_ERROR(MakeDirectories(path));
  // RocksDB syncs what is in the folder; the folder's own entry is ours to sync.
  LIMBECK_RETURN_IF_ERROR(SyncDirectory(std::filesystem::absolute(path).lexically_normal() / ".."));
  auto engine = std::make_unique<RocksdbEngine>(options);
  LIMBECK_RETURN_IF_ERROR(engine->Open());
  return engine;
}

}  // namespace limbeck::kv
