// Reads and writes of one group of requests before they are durable: writes stay in memory, reads
// see them, and one kv::WriteBatch carries all at the end. Not thread-safe.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/kv/engine.h"
#include "cache/ledger/rows.h"

namespace limbeck::cache {

// Rows written: (table, key) → bytes, nullopt for a deleted row.
using RowWrites =
    absl::flat_hash_map<std::pair<std::string, std::string>, std::optional<std::string>>;

// Rows known to be current as long as the counters' version has not moved, in the same form. Saves
// reading accounts and teachers' sums, which every request touches, and the rows of open claims,
// which their commit touches soon.
using HotRows = RowWrites;

class Transaction {
 public:
  // Borrows both; they must outlive the transaction. `pending`: writes that go before this
  // transaction and that the reader may not show yet; may be null.
  Transaction(const kv::Reader* reader, const HotRows* hot,
              std::shared_ptr<const RowWrites> pending = nullptr)
      : reader_(reader), hot_(hot), pending_(std::move(pending)) {}

  // Reads those of many keys that are not known yet at once, for Get to find.
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
  // Fences from here on belong to claims that are not durable yet.
  uint64_t first_pending_fence() const { return first_pending_fence_; }
  void set_first_pending_fence(uint64_t fence) { first_pending_fence_ = fence; }

  bool HasWrites() const { return !writes_->empty(); }
  // Not to be written any more; shared with whoever plans on top of it.
  std::shared_ptr<const RowWrites> writes() const { return writes_; }
  // Brings `hot` up to date with this transaction's writes.
  void UpdateHot(HotRows* hot) const;

 private:
  using RowKey = RowWrites::key_type;
  using Value = RowWrites::mapped_type;

  void Write(std::string_view table, const std::string& key, Value value);
  // What is known of a row without the reader; null for nothing.
  const Value* Known(const RowKey& row) const;

  const kv::Reader* reader_;
  const HotRows* hot_;
  std::shared_ptr<const RowWrites> pending_;
  std::shared_ptr<RowWrites> writes_ = std::make_shared<RowWrites>();
  RowWrites reads_;
  // What each write since Mark replaced in `writes_`; outer nullopt: nothing.
  std::vector<std::pair<RowKey, std::optional<Value>>> undo_;
  Counters counters_;
  Counters marked_counters_;
  uint64_t first_pending_fence_ = UINT64_MAX;
};

}  // namespace limbeck::cache
