#include "gateway/batches/batch_store.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status.h"

namespace limbeck::gateway {
namespace {

constexpr std::string_view kTable = "gateway_batches";
constexpr size_t kLinesPerChunk = 1024;

std::string Key(const BatchRecord& record, uint64_t part) {
  std::string key;
  kv::AppendOrderedString(&key, record.owner);
  kv::AppendOrderedString(&key, record.id);
  kv::AppendOrderedU64(&key, part);
  return key;
}

}  // namespace

std::vector<std::string> BatchStore::Tables() { return {std::string(kTable)}; }

absl::Status BatchStore::Create(const BatchRecord& record) {
  kv::WriteBatch batch;
  batch.Put(kTable, Key(record, 0), EncodeHead(record));
  uint64_t part = 1;
  for (size_t i = 0; i < record.lines.size(); i += kLinesPerChunk) {
    const size_t count = std::min(kLinesPerChunk, record.lines.size() - i);
    batch.Put(kTable, Key(record, part++), EncodeLines(&record.lines[i], count));
  }
  return engine_->Write(batch);
}

absl::Status BatchStore::Update(const BatchRecord& record) {
  kv::WriteBatch batch;
  batch.Put(kTable, Key(record, 0), EncodeHead(record));
  return engine_->Write(batch);
}

absl::Status BatchStore::Delete(const BatchRecord& record) {
  kv::WriteBatch batch;
  const uint64_t parts = 1 + (record.lines.size() + kLinesPerChunk - 1) / kLinesPerChunk;
  for (uint64_t part = 0; part < parts; ++part) batch.Delete(kTable, Key(record, part));
  return engine_->Write(batch);
}

absl::StatusOr<std::vector<BatchRecord>> BatchStore::List(const std::string& owner) const {
  std::string begin;
  kv::AppendOrderedString(&begin, owner);
  LIMBECK_ASSIGN_OR_RETURN(const auto rows, engine_->Scan(kTable, begin, kv::PrefixEnd(begin)));
  std::vector<BatchRecord> records;
  for (; rows->Valid(); rows->Next()) {
    std::string_view key = rows->key();
    std::string found;
    std::string id;
    uint64_t part = 0;
    if (!kv::ConsumeOrderedString(&key, &found) || !kv::ConsumeOrderedString(&key, &id) ||
        !kv::ConsumeOrderedU64(&key, &part)) {
      return absl::DataLossError("a key of the batches' table is damaged");
    }
    if (part == 0) {
      LIMBECK_ASSIGN_OR_RETURN(BatchRecord record, DecodeHead(owner, id, rows->value()));
      records.push_back(std::move(record));
      continue;
    }
    if (records.empty() || records.back().id != id) {
      return absl::DataLossError(absl::StrCat("batch ", id, " has lines but no head"));
    }
    LIMBECK_RETURN_IF_ERROR(DecodeLines(rows->value(), &records.back().lines));
  }
  LIMBECK_RETURN_IF_ERROR(rows->status());
  return records;
}

}  // namespace limbeck::gateway
