#include "base/kv/postgres/postgres_snapshot.h"

#include <algorithm>

#include "absl/container/flat_hash_map.h"
#include "base/status.h"

namespace limbeck::kv {
namespace {

// Rows of a scan's first page; later ones are sized by what the rows before had.
constexpr int64_t kFirstPageRows = 100;
constexpr int64_t kMaxPageRows = 10'000;
constexpr int64_t kPageBytes = 4 << 20;

class PostgresIterator : public Iterator {
 public:
  PostgresIterator(std::shared_ptr<Moment> moment, std::string_view table, std::string_view begin,
                   std::string_view end)
      : moment_(std::move(moment)), table_(table), end_(end) {
    Load(std::string(begin));
  }

  bool Valid() const override { return page_ != nullptr && row_ < page_->size(); }
  std::string_view key() const override { return page_->Get(row_, 0); }
  std::string_view value() const override { return page_->Get(row_, 1); }
  absl::Status status() const override { return status_; }

  void Next() override {
    bytes_ += static_cast<int64_t>(key().size() + value().size());
    if (++row_ < page_->size() || page_->size() < wanted_) return;
    wanted_ = std::clamp<int64_t>(kPageBytes * page_->size() / std::max<int64_t>(bytes_, 1), 1,
                                  kMaxPageRows);
    // The first key after the last one.
    Load(std::string(page_->Get(row_ - 1, 0)) + '\0');
  }

 private:
  void Load(const std::string& begin) {
    row_ = 0;
    bytes_ = 0;
    absl::StatusOr<Rows> rows = moment_->Run(moment_->tables().Page(table_, begin, end_, wanted_));
    status_ = rows.status();
    page_ = rows.ok() ? std::make_unique<Rows>(*std::move(rows)) : nullptr;
  }

  const std::shared_ptr<Moment> moment_;
  const std::string table_;
  const std::string end_;
  int64_t wanted_ = kFirstPageRows;
  std::unique_ptr<Rows> page_;
  int row_ = 0;
  int64_t bytes_ = 0;  // Of the page, so far.
  absl::Status status_;
};

class PostgresSnapshot : public Snapshot {
 public:
  explicit PostgresSnapshot(std::shared_ptr<Moment> moment) : moment_(std::move(moment)) {}

  absl::StatusOr<std::optional<std::string>> Get(std::string_view table,
                                                 std::string_view key) const override {
    LIMBECK_ASSIGN_OR_RETURN(const auto values, MultiGet(table, {std::string(key)}));
    return values[0];
  }
  absl::StatusOr<std::vector<std::optional<std::string>>> MultiGet(
      std::string_view table, const std::vector<std::string>& keys) const override {
    LIMBECK_RETURN_IF_ERROR(moment_->tables().Check(table));
    LIMBECK_ASSIGN_OR_RETURN(const Rows rows, moment_->Run(moment_->tables().Read(table, keys)));
    return InOrderOf(keys, rows);
  }
  absl::StatusOr<std::unique_ptr<Iterator>> Scan(std::string_view table, std::string_view begin,
                                                 std::string_view end) const override {
    return ScanOf(moment_, table, begin, end);
  }

 private:
  const std::shared_ptr<Moment> moment_;
};

}  // namespace

std::vector<std::optional<std::string>> InOrderOf(const std::vector<std::string>& keys,
                                                  const Rows& rows) {
  absl::flat_hash_map<std::string, int> row_of;
  for (int row = 0; row < rows.size(); ++row) row_of.emplace(std::string(rows.Get(row, 0)), row);
  std::vector<std::optional<std::string>> values(keys.size());
  for (size_t i = 0; i < keys.size(); ++i) {
    if (const auto it = row_of.find(keys[i]); it != row_of.end())
      values[i] = rows.Get(it->second, 1);
  }
  return values;
}

absl::StatusOr<std::shared_ptr<Moment>> Moment::Begin(ConnectionPool* pool, const Tables* tables) {
  LIMBECK_ASSIGN_OR_RETURN(ConnectionPool::Lease lease, pool->Take());
  // The moment is that of the first query, not of BEGIN.
  const PipelineResult begun =
      lease.Run({{"BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", {}}, {"SELECT 1", {}}});
  LIMBECK_RETURN_IF_ERROR(begun.status);
  return std::shared_ptr<Moment>(new Moment(std::move(lease), tables));
}

absl::StatusOr<Rows> Moment::Run(const Statement& statement) {
  absl::MutexLock lock(&mu_);
  PipelineResult result = lease_.Run({statement});
  LIMBECK_RETURN_IF_ERROR(result.status);
  return std::move(result.rows[0]);
}

std::unique_ptr<Snapshot> SnapshotOf(std::shared_ptr<Moment> moment) {
  return std::make_unique<PostgresSnapshot>(std::move(moment));
}

absl::StatusOr<std::unique_ptr<Iterator>> ScanOf(std::shared_ptr<Moment> moment,
                                                 std::string_view table, std::string_view begin,
                                                 std::string_view end) {
  LIMBECK_RETURN_IF_ERROR(moment->tables().Check(table));
  auto scan = std::make_unique<PostgresIterator>(std::move(moment), table, begin, end);
  LIMBECK_RETURN_IF_ERROR(scan->status());
  return scan;
}

}  // namespace limbeck::kv
