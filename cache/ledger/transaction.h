// Reads and writes of one group of requests before they are durable: writes stay in memory, reads
// see them, and one kv::WriteBatch carries all at the end. Not thread-safe.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/kv/engine.h"
#include "cache/ledger/rows.h"

namespace limbeck::cache {

// Values known to be current as long as the counters' version has not moved. Saves re-reading the
// few rows that every request touches.
using HotRows = std::unordered_map<std::string, std::optional<std::string>>;

class Transaction {
 public:
  // Borrows both; they must outlive the transaction.
  Transaction(const kv::Reader* reader, const HotRows* hot_accounts)
      : reader_(reader), hot_accounts_(hot_accounts) {}

  // Reads many keys at once, for Get to find.
  absl::Status Prefetch(std::string_view table, const std::vector<std::string>& keys);

  absl::StatusOr<std::optional<std::string>> Get(std::string_view table, const std::string& key);
  template <typename Row>
  absl::StatusOr<std::optional<Row>> GetRow(std::string_view table, const std::string& key) {
    absl::StatusOr<std::optional<std::string>> bytes = Get(table, key);
    if (!bytes.ok()) return bytes.status();
    if (!bytes->has_value()) return std::optional<Row>();
    absl::StatusOr<Row> row = Decode<Row>(**bytes);
    if (!row.ok()) return row.status();
    return std::optional<Row>(std::move(*row));
  }
  void Put(std::string_view table, const std::string& key, std::string value);
  void Delete(std::string_view table, const std::string& key);

  // Undoes every write since the last Mark, for a request that turns out to be invalid midway.
  void Mark();
  void RollBack();

  Counters& counters() { return counters_; }
  void set_counters(const Counters& counters) { counters_ = counters; }

  bool HasWrites() const { return !writes_.empty(); }
  // Moves the writes into a batch; the transaction is spent.
  kv::WriteBatch TakeBatch();
  // Account rows written, for HotRows.
  HotRows AccountWrites() const;

 private:
  using RowKey = std::pair<std::string, std::string>;  // Table, key.
  using Value = std::optional<std::string>;            // Nullopt: absent.

  void Write(std::string_view table, const std::string& key, Value value);

  const kv::Reader* reader_;
  const HotRows* hot_accounts_;
  std::map<RowKey, Value> writes_;
  std::map<RowKey, Value> reads_;
  // What each write since Mark replaced in `writes_`; outer nullopt: nothing.
  std::vector<std::pair<RowKey, std::optional<Value>>> undo_;
  Counters counters_;
  Counters marked_counters_;
};

}  // namespace limbeck::cache
