#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "cache/client/accounts.h"
#include "cache/ledger/claims.h"
#include "cache/ledger/money.h"

namespace limbeck::cache {
namespace {

// Claims of batches live for a day or so: whoever waits for one need not ask five times a second.
constexpr absl::Duration kLongLife = absl::Hours(2);
constexpr absl::Duration kLongRetry = absl::Seconds(10);

}  // namespace

absl::Status AcquireStep::Run(Transaction* transaction, std::vector<AcquireResult>* results,
                              ClaimChanges* changes) {
  transaction_ = transaction;
  changes_ = changes;
  given_.clear();
  now_ = clock_->WallNow();
  LIMBECK_ASSIGN_OR_RETURN(accounts_, WithMonths(transaction, request_.accounts, now_));
  results->assign(keys_.size(), AcquireResult());
  uint64_t hits = 0;
  for (size_t i = 0; i < keys_.size(); ++i) {
    (*results)[i].key = keys_[i];
    LIMBECK_RETURN_IF_ERROR(Decide(i, &(*results)[i]));
    hits += (*results)[i].kind == AcquireResult::Kind::kHit;
  }
  if (hits == 0) return absl::OkStatus();
  return CountReused(transaction, accounts_, hits);
}

void AcquireStep::NoteReuse(size_t i, uint64_t fence) {
  for (const std::string& account : request_.accounts) {
    // Teams' invoices count what was reused; only jobs' list it.
    if (IsTeamAccount(account)) continue;
    ReuseRow row;
    row.fence = fence;
    row.time_micros = absl::ToUnixMicros(now_);
    row.row = request_.items[i].row;
    row.teacher = request_.teacher;
    // A job that walks its rows again, after a restart, replaces what it noted before.
    transaction_->Put(kReuseTable, ItemKey(account, keys_[i]), Encode(row));
  }
}

absl::Status AcquireStep::Decide(size_t i, AcquireResult* result) {
  const std::string item_key = ItemKey(request_.domain, keys_[i]);
  LIMBECK_ASSIGN_OR_RETURN(const std::optional<IndexRow> index,
                           transaction_->GetRow<IndexRow>(kIndexTable, item_key));
  if (index.has_value() && index->serves >= request_.items[i].top_logprobs) {
    result->kind = AcquireResult::Kind::kHit;
    NoteReuse(i, index->fence);
    return absl::OkStatus();
  }
  LIMBECK_ASSIGN_OR_RETURN(const std::optional<ClaimRow> claim,
                           transaction_->GetRow<ClaimRow>(kClaimTable, item_key));
  if (!claim.has_value()) return Claim(i, item_key, result);

  const bool same_gateway = claim->owner.gateway == request_.owner.gateway;
  if (same_gateway && claim->owner.incarnation < request_.owner.incarnation) {
    LIMBECK_RETURN_IF_ERROR(EndClaim(item_key, *claim, "the gateway that held it has restarted"));
    return Claim(i, item_key, result);
  }
  // A claim that is not durable yet may still come to nothing: its deadline is not remembered.
  const absl::Duration left = claim->fence >= transaction_->first_pending_fence()
                                  ? absl::Microseconds(claim->life_micros)
                                  : deadlines_->Left(*claim);
  if (left == absl::ZeroDuration()) {
    LIMBECK_RETURN_IF_ERROR(EndClaim(item_key, *claim, "the claim's time ran out"));
    return Claim(i, item_key, result);
  }
  const bool retried = same_gateway && claim->owner.incarnation == request_.owner.incarnation &&
                       !claim->request_id.empty() && claim->request_id == request_.request_id;
  // The second of two equal items waits for the first.
  if (retried && given_.insert(claim->fence).second) {
    result->kind = AcquireResult::Kind::kYours;
    result->fence = claim->fence;
    return absl::OkStatus();
  }
  result->kind = AcquireResult::Kind::kWait;
  const bool long_lived = absl::Microseconds(claim->life_micros) > kLongLife;
  result->retry_after = std::min(left, long_lived ? kLongRetry : retry_after_);
  return absl::OkStatus();
}

absl::Status AcquireStep::EndClaim(const std::string& item_key, const ClaimRow& claim,
                                   std::string_view note) {
  const std::string row_key = NumberKey(claim.fence);
  LIMBECK_ASSIGN_OR_RETURN(std::optional<LedgerRow> row,
                           transaction_->GetRow<LedgerRow>(kLedgerTable, row_key));
  if (!row.has_value()) {
    return absl::DataLossError(absl::StrCat("claim ", claim.fence, " has no ledger row"));
  }
  const int64_t now = absl::ToUnixMicros(clock_->WallNow());
  LIMBECK_RETURN_IF_ERROR(MarkAmbiguous(transaction_, claim.fence, now, note, &*row));
  row->state = LedgerRow::State::kAmbiguous;
  row->closed_micros = now;
  row->note = note;
  transaction_->Put(kLedgerTable, row_key, Encode(*row));
  transaction_->Delete(kClaimTable, item_key);
  --transaction_->counters().claims;
  changes_->ended.push_back(claim.fence);
  return absl::OkStatus();
}

absl::Status AcquireStep::Claim(size_t i, const std::string& item_key, AcquireResult* result) {
  LedgerRow row;
  row.domain = request_.domain;
  row.key = keys_[i];
  row.accounts = accounts_;
  row.owner = request_.owner;
  row.reserve = request_.items[i].reserve_micro_usd;
  row.opened_micros = absl::ToUnixMicros(now_);
  row.teacher = request_.teacher;
  row.row = request_.items[i].row;
  row.estimate = request_.items[i].estimate_micro_usd;
  LIMBECK_ASSIGN_OR_RETURN(const std::optional<NoRoom> no_room,
                           Reserve(transaction_, transaction_->counters().next_fence, &row));
  if (no_room.has_value()) {
    result->kind = AcquireResult::Kind::kRefused;
    result->refused_account = no_room->account;
    result->left_micro_usd = no_room->left_micro_usd;
    return absl::OkStatus();
  }
  ClaimRow claim;
  claim.fence = transaction_->counters().next_fence++;
  claim.owner = request_.owner;
  claim.request_id = request_.request_id;
  claim.deadline_micros = absl::ToUnixMicros(now_ + request_.claim_life);
  claim.life_micros = absl::ToInt64Microseconds(request_.claim_life);
  transaction_->Put(kClaimTable, item_key, Encode(claim));
  transaction_->Put(kLedgerTable, NumberKey(claim.fence), Encode(row));
  ++transaction_->counters().claims;
  given_.insert(claim.fence);
  changes_->begun.push_back(claim.fence);
  result->kind = AcquireResult::Kind::kYours;
  result->fence = claim.fence;
  return absl::OkStatus();
}

}  // namespace limbeck::cache
