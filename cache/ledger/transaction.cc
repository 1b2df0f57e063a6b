#include "cache/ledger/transaction.h"

#include "base/status.h"

namespace limbeck::cache {

absl::Status Transaction::Prefetch(std::string_view table, const std::vector<std::string>& keys) {
  if (keys.empty()) return absl::OkStatus();
  LIMBECK_ASSIGN_OR_RETURN(std::vector<Value> values, reader_->MultiGet(table, keys));
  for (size_t i = 0; i < keys.size(); ++i) {
    reads_.insert_or_assign(RowKey(table, keys[i]), std::move(values[i]));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::optional<std::string>> Transaction::Get(std::string_view table,
                                                            const std::string& key) {
  RowKey row(table, key);
  if (const auto it = writes_->find(row); it != writes_->end()) return it->second;
  if (pending_ != nullptr) {
    if (const auto it = pending_->find(row); it != pending_->end()) return it->second;
  }
  if (table == kAccountTable) {
    if (const auto it = hot_accounts_->find(key); it != hot_accounts_->end()) return it->second;
  }
  if (const auto it = reads_.find(row); it != reads_.end()) return it->second;
  LIMBECK_ASSIGN_OR_RETURN(Value value, reader_->Get(table, key));
  return reads_.emplace(std::move(row), std::move(value)).first->second;
}

void Transaction::Put(std::string_view table, const std::string& key, std::string value) {
  Write(table, key, std::move(value));
}

void Transaction::Delete(std::string_view table, const std::string& key) {
  Write(table, key, std::nullopt);
}

void Transaction::Write(std::string_view table, const std::string& key, Value value) {
  RowKey row(table, key);
  const auto it = writes_->find(row);
  if (it == writes_->end()) {
    undo_.emplace_back(row, std::nullopt);
    writes_->emplace(std::move(row), std::move(value));
    return;
  }
  undo_.emplace_back(std::move(row), std::move(it->second));
  it->second = std::move(value);
}

void Transaction::Mark() {
  undo_.clear();
  marked_counters_ = counters_;
}

void Transaction::RollBack() {
  for (auto it = undo_.rbegin(); it != undo_.rend(); ++it) {
    if (it->second.has_value()) {
      (*writes_)[it->first] = std::move(*it->second);
    } else {
      writes_->erase(it->first);
    }
  }
  undo_.clear();
  counters_ = marked_counters_;
}

HotRows Transaction::AccountWrites() const {
  HotRows rows;
  for (const auto& [row, value] : *writes_) {
    if (row.first == kAccountTable) rows.emplace(row.second, value);
  }
  return rows;
}

}  // namespace limbeck::cache
