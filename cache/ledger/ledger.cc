#include "cache/ledger/ledger.h"

#include "absl/strings/str_cat.h"
#include "base/hash.h"
#include "base/status.h"
#include "cache/ledger/claims.h"
#include "cache/ledger/money.h"
#include "cache/ledger/requests.h"
#include "cache/records/key.h"

namespace limbeck::cache {
namespace {

constexpr std::string_view kSecretKey = "secret";

absl::StatusOr<std::string> ReadOrDrawSecret(kv::Engine* engine) {
  LIMBECK_ASSIGN_OR_RETURN(std::optional<std::string> secret, engine->Get(kMetaTable, kSecretKey));
  if (!secret.has_value()) {
    kv::WriteBatch batch;
    batch.ExpectAbsent(kMetaTable, kSecretKey);
    batch.Put(kMetaTable, kSecretKey, RandomBytes(kDomainSecretBytes));
    const absl::Status status = engine->Write(batch);
    // ABORTED: another server drew it first.
    if (!status.ok() && !absl::IsAborted(status)) return status;
    LIMBECK_ASSIGN_OR_RETURN(secret, engine->Get(kMetaTable, kSecretKey));
  }
  if (!secret.has_value() || secret->size() != kDomainSecretBytes) {
    return absl::DataLossError("the secret that keys derive from is damaged");
  }
  return *std::move(secret);
}

}  // namespace

Ledger::Ledger(kv::Engine* engine, Clock* clock, LedgerOptions options, std::string secret)
    : engine_(engine),
      clock_(clock),
      options_(options),
      secret_(std::move(secret)),
      deadlines_(clock),
      writer_(engine, options.writer) {}

absl::StatusOr<std::unique_ptr<Ledger>> Ledger::Open(kv::Engine* engine, Clock* clock,
                                                     LedgerOptions options) {
  absl::StatusOr<std::string> secret = ReadOrDrawSecret(engine);
  if (!secret.ok()) return Annotate(secret.status(), "open ledger");
  return std::unique_ptr<Ledger>(new Ledger(engine, clock, options, *std::move(secret)));
}

std::string Ledger::KeyOf(const std::string& domain, const std::string& canonical_request) const {
  return RecordKey(HmacSha256(secret_, "domain/" + domain), canonical_request);
}

absl::StatusOr<AccountState> Ledger::SetCeiling(const std::string& account,
                                                int64_t ceiling_micro_usd,
                                                int64_t month_ceiling_micro_usd) {
  LIMBECK_RETURN_IF_ERROR(CheckSetCeiling(account, ceiling_micro_usd, month_ceiling_micro_usd));
  AccountState state;
  WriteRequest write;
  write.apply = [&](Transaction* transaction) -> absl::Status {
    LIMBECK_ASSIGN_OR_RETURN(const std::optional<AccountState> row,
                             transaction->GetRow<AccountState>(kAccountTable, account));
    state = row.value_or(AccountState());
    if (row.has_value() && state.ceiling_micro_usd == ceiling_micro_usd &&
        state.month_ceiling_micro_usd == month_ceiling_micro_usd) {
      return absl::OkStatus();
    }
    state.name = account;
    state.ceiling_micro_usd = ceiling_micro_usd;
    state.month_ceiling_micro_usd = month_ceiling_micro_usd;
    transaction->Put(kAccountTable, account, Encode(state));
    return SetMonthCeiling(transaction, state, clock_->WallNow());
  };
  LIMBECK_RETURN_IF_ERROR(writer_.Run(&write));
  return state;
}

absl::StatusOr<std::vector<AcquireResult>> Ledger::Acquire(const AcquireRequest& request) {
  LIMBECK_RETURN_IF_ERROR(CheckAcquire(request));
  std::vector<AcquireResult> results;
  if (request.lookup_only) {
    LIMBECK_RETURN_IF_ERROR(LookUp(request, &results));
  } else {
    const std::string domain_secret = HmacSha256(secret_, "domain/" + request.domain);
    std::vector<std::string> keys, item_keys;
    WriteRequest write;
    for (const AcquireItem& item : request.items) {
      keys.push_back(RecordKey(domain_secret, item.canonical_request));
      item_keys.push_back(ItemKey(request.domain, keys.back()));
      write.bytes += 512;  // Rows of a claim, about.
    }
    AcquireStep step(request, keys, &deadlines_, clock_, options_.retry_after);
    ClaimChanges changes;
    write.reads = {{kIndexTable, item_keys}, {kClaimTable, std::move(item_keys)}};
    write.apply = [&](Transaction* transaction) {
      changes = {};
      return step.Run(transaction, &results, &changes);
    };
    LIMBECK_RETURN_IF_ERROR(writer_.Run(&write));
    for (const uint64_t fence : changes.begun) deadlines_.Start(fence, request.claim_life);
    for (const uint64_t fence : changes.ended) deadlines_.Forget(fence);
  }
  if (request.include_records) LIMBECK_RETURN_IF_ERROR(AddRecords(request.domain, &results));
  return results;
}

absl::Status Ledger::LookUp(const AcquireRequest& request,
                            std::vector<AcquireResult>* results) const {
  const std::string domain_secret = HmacSha256(secret_, "domain/" + request.domain);
  std::vector<std::string> item_keys;
  results->resize(request.items.size());
  for (size_t i = 0; i < request.items.size(); ++i) {
    (*results)[i].key = RecordKey(domain_secret, request.items[i].canonical_request);
    item_keys.push_back(ItemKey(request.domain, (*results)[i].key));
  }
  LIMBECK_ASSIGN_OR_RETURN(const std::vector<std::optional<std::string>> rows,
                           engine_->MultiGet(kIndexTable, item_keys));
  for (size_t i = 0; i < rows.size(); ++i) {
    if (!rows[i].has_value()) continue;
    LIMBECK_ASSIGN_OR_RETURN(const IndexRow row, Decode<IndexRow>(*rows[i]));
    if (row.serves >= request.items[i].top_logprobs) (*results)[i].kind = AcquireResult::Kind::kHit;
  }
  return absl::OkStatus();
}

absl::Status Ledger::AddRecords(const std::string& domain,
                                std::vector<AcquireResult>* results) const {
  size_t bytes = 0;
  for (AcquireResult& result : *results) {
    if (result.kind != AcquireResult::Kind::kHit) continue;
    LIMBECK_ASSIGN_OR_RETURN(std::optional<std::string> record, ReadRecord(domain, result.key));
    if (!record.has_value()) return absl::DataLossError("a record vanished");
    bytes += record->size();
    if (bytes > kMaxRecordBytesPerAnswer) return absl::OkStatus();
    result.record = *std::move(record);
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<ReleaseOutcome>> Ledger::Release(const std::string& domain,
                                                            const std::vector<ReleaseItem>& items,
                                                            const std::string& request_id) {
  LIMBECK_RETURN_IF_ERROR(CheckRelease(domain, items, request_id));
  std::vector<ReleaseOutcome> outcomes;
  ClaimChanges changes;
  WriteRequest write;
  write.bytes = items.size() * 512;
  write.apply = [&](Transaction* transaction) -> absl::Status {
    outcomes.clear();
    changes = {};
    const int64_t now = absl::ToUnixMicros(clock_->WallNow());
    for (const ReleaseItem& item : items) {
      LIMBECK_ASSIGN_OR_RETURN(const ReleaseOutcome outcome,
                               ReleaseOne(transaction, domain, item, request_id, now, &changes));
      outcomes.push_back(outcome);
    }
    return absl::OkStatus();
  };
  LIMBECK_RETURN_IF_ERROR(writer_.Run(&write));
  for (const uint64_t fence : changes.ended) deadlines_.Forget(fence);
  for (const auto& [fence, life] : changes.extended) deadlines_.Start(fence, life);
  return outcomes;
}

}  // namespace limbeck::cache
