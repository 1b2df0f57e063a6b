#include "cache/service/verify.h"

#include <set>

#include "absl/strings/str_cat.h"
#include "base/hash.h"
#include "base/status.h"
#include "cache/ledger/audit.h"
#include "cache/ledger/rows.h"
#include "cache/records/key.h"
#include "cache/records/record_codec.h"
#include "cache/snapshots/manifest.h"
#include "cache/snapshots/pack.h"

namespace limbeck::cache {
namespace {

void AddDamaged(std::string what, VerifyResult* result) {
  if (result->damaged.size() < kMaxDamagedListed) result->damaged.push_back(std::move(what));
}

// The content key within a key of idx or late rows.
std::string KeyName(std::string_view row_key) {
  std::string domain;
  if (!kv::ConsumeOrderedString(&row_key, &domain)) return "unreadable key";
  return HexEncode(row_key.substr(0, kKeyBytes));
}

absl::Status CheckOne(const kv::Reader& reader, std::string_view row_key,
                      const std::string& ordinal, std::optional<uint64_t> checksum,
                      VerifyResult* result) {
  LIMBECK_ASSIGN_OR_RETURN(const std::optional<std::string> record,
                           reader.Get(kRecordTable, ordinal));
  ++result->records_checked;
  const bool intact = record.has_value() && DecodeRecord(*record).ok() &&
                      (!checksum.has_value() || Xxh3(*record) == *checksum);
  if (!intact) AddDamaged(KeyName(row_key), result);
  return absl::OkStatus();
}

absl::Status CheckRecords(const kv::Reader& reader, const std::function<bool()>& cancelled,
                          VerifyResult* result) {
  LIMBECK_ASSIGN_OR_RETURN(const auto index, reader.Scan(kIndexTable, "", ""));
  for (; index->Valid(); index->Next()) {
    if (cancelled()) return absl::CancelledError("verification was cancelled");
    const absl::StatusOr<IndexRow> row = Decode<IndexRow>(index->value());
    if (!row.ok()) {
      AddDamaged(KeyName(index->key()), result);
      continue;
    }
    LIMBECK_RETURN_IF_ERROR(
        CheckOne(reader, index->key(), NumberKey(row->ordinal), row->checksum, result));
  }
  LIMBECK_RETURN_IF_ERROR(index->status());
  LIMBECK_ASSIGN_OR_RETURN(const auto late, reader.Scan(kLateTable, "", ""));
  for (; late->Valid(); late->Next()) {
    if (cancelled()) return absl::CancelledError("verification was cancelled");
    LIMBECK_RETURN_IF_ERROR(
        CheckOne(reader, late->key(), std::string(late->value()), std::nullopt, result));
  }
  return late->status();
}

absl::Status CheckPacks(const kv::Reader& reader, PackStore* store,
                        const std::function<bool()>& cancelled, VerifyResult* result) {
  std::set<std::string> seen;
  LIMBECK_ASSIGN_OR_RETURN(const auto rows, reader.Scan(kSnapshotTable, "", ""));
  for (; rows->Valid(); rows->Next()) {
    const absl::StatusOr<Manifest> manifest = DecodeManifest(rows->value());
    if (!manifest.ok()) {
      AddDamaged(absl::StrCat("snapshot ", ToAbsl(rows->key())), result);
      continue;
    }
    for (const Manifest::PackEntry& entry : manifest->packs) {
      if (!seen.insert(entry.name).second) continue;
      if (cancelled()) return absl::CancelledError("verification was cancelled");
      absl::StatusOr<std::string> bytes = store->Get(entry.name);
      ++result->packs_checked;
      const bool intact = bytes.ok() && Pack::Open(*std::move(bytes)).ok();
      if (!intact) AddDamaged(entry.name, result);
    }
  }
  return rows->status();
}

}  // namespace

absl::StatusOr<VerifyResult> VerifyAll(const kv::Engine& engine, PackStore* store,
                                       const std::function<bool()>& cancelled) {
  VerifyResult result;
  LIMBECK_ASSIGN_OR_RETURN(const auto snapshot, engine.NewSnapshot());
  LIMBECK_RETURN_IF_ERROR(CheckRecords(*snapshot, cancelled, &result));
  LIMBECK_RETURN_IF_ERROR(CheckPacks(*snapshot, store, cancelled, &result));
  const absl::Status audit = AuditLedger(*snapshot, false);
  if (absl::IsDataLoss(audit)) {
    AddDamaged(absl::StrCat("ledger: ", audit.message()), &result);
    return result;
  }
  LIMBECK_RETURN_IF_ERROR(audit);
  return result;
}

}  // namespace limbeck::cache
