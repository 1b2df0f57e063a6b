#include "cache/ledger/transaction.h"

#include <array>

#include "base/status.h"

namespace limbeck::cache {

absl::Status Transaction::Prefetch(std::string_view table, const std::vector<std::string>& keys) {
  std::vector<std::string> unknown;
  for (const std::string& key : keys) {
    if (Known(RowKey(table, key)) == nullptr) unknown.push_back(key);
  }
  if (unknown.empty()) return absl::OkStatus();
  LIMBECK_ASSIGN_OR_RETURN(std::vector<Value> values, reader_->MultiGet(table, unknown));
  for (size_t i = 0; i < unknown.size(); ++i) {
    reads_.insert_or_assign(RowKey(table, std::move(unknown[i])), std::move(values[i]));
  }
  return absl::OkStatus();
}

const Transaction::Value* Transaction::Known(const RowKey& row) const {
  const std::array<const RowWrites*, 4> newest_first = {writes_.get(), pending_.get(), hot_,
                                                        &reads_};
  for (const RowWrites* rows : newest_first) {
    if (rows == nullptr) continue;
    if (const auto it = rows->find(row); it != rows->end()) return &it->second;
  }
  return nullptr;
}

absl::StatusOr<std::optional<std::string>> Transaction::Get(std::string_view table,
                                                            const std::string& key) {
  RowKey row(table, key);
  if (const Value* known = Known(row); known != nullptr) return *known;
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

void Transaction::UpdateHot(HotRows* hot) const {
  for (const auto& [row, value] : *writes_) {
    const auto& [table, key] = row;
    if (table == kAccountTable || table == kTeacherTable) {
      hot->insert_or_assign(row, value);
    } else if (table == kClaimTable || table == kLedgerTable) {
      // A row of an ended claim is hardly looked at again.
      if (value.has_value() && (table == kClaimTable || IsOpen(*value))) {
        hot->insert_or_assign(row, value);
      } else {
        hot->erase(row);
      }
    }
  }
}

}  // namespace limbeck::cache
