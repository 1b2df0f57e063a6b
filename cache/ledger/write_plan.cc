#include "cache/ledger/write_plan.h"

#include <algorithm>
#include <map>
#include <vector>

#include "base/status.h"

namespace limbeck::cache {
namespace {

constexpr std::string_view kCountersKey = "counters";
// Some 20 MB. Beyond it, all are forgotten and read again.
constexpr size_t kMaxHotRows = 40'000;

// By table and key: a store that keeps its rows in order finds the place of one beside the last.
std::vector<const RowWrites::value_type*> InOrder(const RowWrites& writes) {
  std::vector<const RowWrites::value_type*> rows;
  rows.reserve(writes.size());
  for (const RowWrites::value_type& write : writes) rows.push_back(&write);
  std::sort(rows.begin(), rows.end(),
            [](const auto* a, const auto* b) { return a->first < b->first; });
  return rows;
}

}  // namespace

void WriteBase::Reset() {
  counters_.reset();
  hot_.clear();
  pending_.reset();
  pending_fence_ = 0;
}

WritePlan::WritePlan(WriteBase* base)
    : base_(base),
      engine_(base->engine_),
      transaction_(base->engine_, &base->hot_, base->pending_) {
  // The counters are read before anything else: if they are unchanged when the batch is applied,
  // every other row is too.
  if (!base->counters_.has_value()) {
    absl::StatusOr<std::optional<std::string>> read = engine_->Get(kMetaTable, kCountersKey);
    start_ = read.status();
    if (!start_.ok()) return;
    base->counters_ = *std::move(read);
  }
  expected_ = *base->counters_;
  Counters counters;
  if (expected_.has_value()) {
    const absl::StatusOr<Counters> decoded = Decode<Counters>(*expected_);
    start_ = decoded.status();
    if (!start_.ok()) return;
    counters = *decoded;
  }
  transaction_.set_counters(counters);
  transaction_.set_first_pending_fence(base->pending_ != nullptr ? base->pending_fence_
                                                                 : counters.next_fence);
  base->pending_fence_ = counters.next_fence;
}

absl::Status WritePlan::Prefetch(const std::vector<WriteRequest*>& requests) {
  LIMBECK_RETURN_IF_ERROR(start_);
  std::map<std::string_view, std::vector<std::string>> keys;
  for (const WriteRequest* request : requests) {
    for (const WriteRequest::Reads& reads : request->reads) {
      std::vector<std::string>& all = keys[reads.table];
      all.insert(all.end(), reads.keys.begin(), reads.keys.end());
    }
  }
  for (const auto& [table, table_keys] : keys) {
    LIMBECK_RETURN_IF_ERROR(transaction_.Prefetch(table, table_keys));
  }
  return absl::OkStatus();
}

void WritePlan::Add(const std::vector<WriteRequest*>& requests) {
  const absl::Status read = Prefetch(requests);
  for (WriteRequest* request : requests) {
    bytes_ += request->bytes;
    if (!read.ok()) {
      entries_.push_back({request, read});
      continue;
    }
    transaction_.Mark();
    absl::Status status = request->apply(&transaction_);
    if (!status.ok()) transaction_.RollBack();
    entries_.push_back({request, std::move(status)});
  }
}

void WritePlan::Seal() {
  if (!start_.ok()) return;
  turn_ = base_->turn_.expected();
  base_->turn_.Planned();
  if (!transaction_.HasWrites()) return;
  ++transaction_.counters().version;
  counters_ = Encode(transaction_.counters());
  base_->counters_ = counters_;
  base_->pending_ = transaction_.writes();
  if (base_->hot_.size() > kMaxHotRows) base_->hot_.clear();
  transaction_.UpdateHot(&base_->hot_);
}

absl::Status WritePlan::Write() {
  if (!start_.ok()) return start_;
  kv::WriteBatch batch;
  AddTurn(turn_, &batch);
  if (!transaction_.HasWrites()) {
    // Answers that rest on remembered rows hold only if nobody has written since.
    LIMBECK_ASSIGN_OR_RETURN(const std::optional<std::string> now,
                             engine_->Get(kMetaTable, kCountersKey));
    if (now != expected_) return absl::AbortedError("written in between");
    return turn_.has_value() ? engine_->Write(batch) : absl::OkStatus();
  }
  if (expected_.has_value()) {
    batch.ExpectValue(kMetaTable, kCountersKey, *expected_);
  } else {
    batch.ExpectAbsent(kMetaTable, kCountersKey);
  }
  for (const RowWrites::value_type* write : InOrder(*transaction_.writes())) {
    const auto& [row, value] = *write;
    if (value.has_value()) {
      batch.Put(row.first, row.second, *value);
    } else {
      batch.Delete(row.first, row.second);
    }
  }
  batch.Put(kMetaTable, kCountersKey, counters_);
  return engine_->Write(batch);
}

}  // namespace limbeck::cache
