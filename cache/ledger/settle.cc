#include "absl/strings/str_cat.h"
#include "base/hash.h"
#include "base/status.h"
#include "cache/ledger/claims.h"
#include "cache/ledger/money.h"

namespace limbeck::cache {
namespace {

void EndClaim(Transaction* transaction, const std::string& item_key, uint64_t fence,
              ClaimChanges* changes) {
  transaction->Delete(kClaimTable, item_key);
  --transaction->counters().claims;
  changes->ended.push_back(fence);
}

// Whether the record becomes the key's answer. One that serves fewer candidates than what is there
// does not: it is kept beside it.
absl::StatusOr<bool> BecomesAnswer(Transaction* transaction, const std::string& item_key,
                                   uint32_t serves) {
  LIMBECK_ASSIGN_OR_RETURN(const std::optional<IndexRow> index,
                           transaction->GetRow<IndexRow>(kIndexTable, item_key));
  return !index.has_value() || serves > index->serves;
}

void StoreRecord(Transaction* transaction, const std::string& domain, const CheckedCommit& checked,
                 bool as_answer) {
  const CommitItem& item = *checked.item;
  Counters& counters = transaction->counters();
  const uint64_t ordinal = counters.next_ordinal++;
  ++counters.records;
  counters.record_bytes += item.record.size();
  transaction->Put(kRecordTable, NumberKey(ordinal), item.record);
  if (!as_answer) {
    ++counters.late_records;
    transaction->Put(kLateTable, LateKey(domain, item.key, item.fence), NumberKey(ordinal));
    return;
  }
  IndexRow index;
  index.ordinal = ordinal;
  index.length = static_cast<uint32_t>(item.record.size());
  index.checksum = checked.checksum;
  index.serves = checked.serves;
  index.fence = item.fence;
  transaction->Put(kIndexTable, ItemKey(domain, item.key), Encode(index));
}

}  // namespace

absl::StatusOr<CommitOutcome> CommitOne(Transaction* transaction, const std::string& domain,
                                        const CheckedCommit& checked, int64_t now_micros,
                                        ClaimChanges* changes, TeacherStatsByName* stats) {
  const CommitItem& item = *checked.item;
  const std::string row_key = NumberKey(item.fence);
  LIMBECK_ASSIGN_OR_RETURN(std::optional<LedgerRow> row,
                           transaction->GetRow<LedgerRow>(kLedgerTable, row_key));
  if (!row.has_value() || row->domain != domain || row->key != item.key) {
    return absl::InvalidArgumentError(
        absl::StrCat("fence ", item.fence, " was never given for key ", HexEncode(item.key)));
  }
  if (row->state == LedgerRow::State::kStored) return CommitOutcome::kStored;
  if (row->state == LedgerRow::State::kLate) return CommitOutcome::kKeptAsLate;

  const std::string item_key = ItemKey(domain, item.key);
  LIMBECK_ASSIGN_OR_RETURN(const std::optional<ClaimRow> claim,
                           transaction->GetRow<ClaimRow>(kClaimTable, item_key));
  LIMBECK_ASSIGN_OR_RETURN(const bool better, BecomesAnswer(transaction, item_key, checked.serves));
  const bool held = claim.has_value() && claim->fence == item.fence;
  // A claim that ended without being given to anyone else still brings the answer.
  const bool stored = held || (!claim.has_value() && better);
  StoreRecord(transaction, domain, checked, stored && better);
  LIMBECK_RETURN_IF_ERROR(Settle(transaction, item.actual_micro_usd, true, &*row));
  if (held) EndClaim(transaction, item_key, item.fence, changes);
  row->state = stored ? LedgerRow::State::kStored : LedgerRow::State::kLate;
  row->closed_micros = now_micros;
  row->usage = item.usage;
  AddCall(item.usage, &(*stats)[row->teacher]);
  transaction->Put(kLedgerTable, row_key, Encode(*row));
  return stored ? CommitOutcome::kStored : CommitOutcome::kKeptAsLate;
}

namespace {

// AMBIGUOUS, with or without another try.
absl::StatusOr<ReleaseOutcome> ReleaseAmbiguous(Transaction* transaction, const ReleaseItem& item,
                                                int64_t now_micros, LedgerRow* row) {
  LIMBECK_RETURN_IF_ERROR(MarkAmbiguous(transaction, item.fence, now_micros, item.note, row));
  row->state = LedgerRow::State::kAmbiguous;
  if (!item.keep_claim) return ReleaseOutcome::kReleased;
  LIMBECK_ASSIGN_OR_RETURN(const std::optional<NoRoom> no_room,
                           Reserve(transaction, item.fence, row));
  if (no_room.has_value()) return ReleaseOutcome::kNoMoney;
  // The next outcome belongs to the next try; this one stays unknown.
  row->ambiguous_sequence = 0;
  row->state = LedgerRow::State::kOpen;
  return ReleaseOutcome::kKept;
}

}  // namespace

absl::StatusOr<ReleaseOutcome> ReleaseOne(Transaction* transaction, const std::string& domain,
                                          const ReleaseItem& item, const std::string& request_id,
                                          int64_t now_micros, ClaimChanges* changes) {
  const std::string row_key = NumberKey(item.fence);
  const std::string item_key = ItemKey(domain, item.key);
  LIMBECK_ASSIGN_OR_RETURN(std::optional<LedgerRow> row,
                           transaction->GetRow<LedgerRow>(kLedgerTable, row_key));
  if (!row.has_value() || row->domain != domain || row->key != item.key) {
    return ReleaseOutcome::kNotHeld;
  }
  if (!request_id.empty() && row->release_id == request_id) return row->release_outcome;
  LIMBECK_ASSIGN_OR_RETURN(std::optional<ClaimRow> claim,
                           transaction->GetRow<ClaimRow>(kClaimTable, item_key));
  if (!claim.has_value() || claim->fence != item.fence) return ReleaseOutcome::kNotHeld;

  ReleaseOutcome outcome = ReleaseOutcome::kReleased;
  switch (item.reason) {
    case ReleaseItem::Reason::kNotBilled:
      LIMBECK_RETURN_IF_ERROR(GiveBack(transaction, &*row));
      row->state = LedgerRow::State::kNotBilled;
      break;
    case ReleaseItem::Reason::kBilledUnusable:
      LIMBECK_RETURN_IF_ERROR(Settle(transaction, item.actual_micro_usd, false, &*row));
      row->state = LedgerRow::State::kUnusable;
      row->usage = item.usage;
      break;
    case ReleaseItem::Reason::kAmbiguous:
      LIMBECK_ASSIGN_OR_RETURN(outcome, ReleaseAmbiguous(transaction, item, now_micros, &*row));
      break;
  }
  if (outcome == ReleaseOutcome::kKept) {
    claim->deadline_micros = now_micros + claim->life_micros;
    transaction->Put(kClaimTable, item_key, Encode(*claim));
    changes->extended.emplace_back(item.fence, absl::Microseconds(claim->life_micros));
  } else {
    EndClaim(transaction, item_key, item.fence, changes);
    row->closed_micros = now_micros;
  }
  row->note = item.note;
  row->release_id = request_id;
  row->release_outcome = outcome;
  transaction->Put(kLedgerTable, row_key, Encode(*row));
  return outcome;
}

}  // namespace limbeck::cache
