#include "absl/strings/str_cat.h"
#include "base/hash.h"
#include "base/status.h"
#include "cache/ledger/invoice.h"
#include "cache/ledger/ledger.h"
#include "cache/records/key.h"

namespace limbeck::cache {
namespace {

constexpr size_t kMaxListedAccounts = 1000;
// A page for an account with few calls among many others' ends here, with a token to go on.
constexpr size_t kMaxScannedPerPage = 100'000;

bool Matches(const IndexRow& index, const std::optional<std::string>& record) {
  return record.has_value() && record->size() == index.length && Xxh3(*record) == index.checksum;
}

}  // namespace

absl::StatusOr<std::optional<std::string>> Ledger::ReadRecord(const std::string& domain,
                                                              const std::string& key) const {
  LIMBECK_ASSIGN_OR_RETURN(const std::optional<std::string> row,
                           engine_->Get(kIndexTable, ItemKey(domain, key)));
  if (!row.has_value()) return std::optional<std::string>();
  LIMBECK_ASSIGN_OR_RETURN(const IndexRow index, Decode<IndexRow>(*row));
  // A bit may flip on the way: damage counts only when a second read shows it too.
  for (int attempt = 0; attempt < 2; ++attempt) {
    LIMBECK_ASSIGN_OR_RETURN(std::optional<std::string> record,
                             engine_->Get(kRecordTable, NumberKey(index.ordinal)));
    if (Matches(index, record)) return record;
  }
  return absl::DataLossError(absl::StrCat("record ", HexEncode(key), " is damaged"));
}

absl::StatusOr<std::string> Ledger::GetRecord(const std::string& domain,
                                              const std::string& key) const {
  LIMBECK_ASSIGN_OR_RETURN(std::optional<std::string> record, ReadRecord(domain, key));
  if (!record.has_value()) {
    return absl::NotFoundError(absl::StrCat("no record ", HexEncode(key), " in ", domain));
  }
  return *std::move(record);
}

absl::StatusOr<std::vector<StoredRecord>> Ledger::GetRecords(
    const std::string& domain, const std::vector<std::string>& keys) const {
  if (keys.size() > kMaxBatchItems) {
    return absl::InvalidArgumentError(
        absl::StrCat("keys: ", keys.size(), " given, at most ", kMaxBatchItems, " per request"));
  }
  std::vector<StoredRecord> records;
  size_t bytes = 0;
  for (const std::string& key : keys) {
    LIMBECK_ASSIGN_OR_RETURN(std::optional<std::string> record, ReadRecord(domain, key));
    if (!record.has_value()) continue;
    bytes += record->size();
    if (bytes > kMaxRecordBytesPerAnswer && !records.empty()) {
      return absl::ResourceExhaustedError(absl::StrCat(
          "these records are more than ", kMaxRecordBytesPerAnswer, " bytes: ask for fewer keys"));
    }
    records.push_back({key, *std::move(record)});
  }
  return records;
}

absl::StatusOr<std::vector<AccountState>> Ledger::GetSpend(
    const std::vector<std::string>& accounts) const {
  std::vector<AccountState> states;
  if (accounts.size() > kMaxListedAccounts) {
    return absl::InvalidArgumentError(
        absl::StrCat("accounts: at most ", kMaxListedAccounts, " per request"));
  }
  if (!accounts.empty()) {
    LIMBECK_ASSIGN_OR_RETURN(const auto rows, engine_->MultiGet(kAccountTable, accounts));
    for (const std::optional<std::string>& row : rows) {
      if (!row.has_value()) continue;
      LIMBECK_ASSIGN_OR_RETURN(AccountState state, Decode<AccountState>(*row));
      states.push_back(std::move(state));
    }
    return states;
  }
  LIMBECK_ASSIGN_OR_RETURN(const auto rows, engine_->Scan(kAccountTable, "", ""));
  for (; rows->Valid() && states.size() < kMaxListedAccounts; rows->Next()) {
    LIMBECK_ASSIGN_OR_RETURN(AccountState state, Decode<AccountState>(rows->value()));
    states.push_back(std::move(state));
  }
  LIMBECK_RETURN_IF_ERROR(rows->status());
  return states;
}

absl::StatusOr<AmbiguousPage> Ledger::ListAmbiguous(const std::string& account, uint64_t after,
                                                    size_t limit) const {
  AmbiguousPage page;
  LIMBECK_ASSIGN_OR_RETURN(const auto rows,
                           engine_->Scan(kAmbiguousTable, NumberKey(after + 1), ""));
  for (size_t scanned = 0; rows->Valid(); rows->Next(), ++scanned) {
    if (page.calls.size() >= limit || scanned >= kMaxScannedPerPage) {
      page.next_after = after;
      return page;
    }
    std::string_view key = rows->key();
    if (!kv::ConsumeOrderedU64(&key, &after)) {
      return absl::DataLossError("damaged key in the table of ambiguous calls");
    }
    LIMBECK_ASSIGN_OR_RETURN(AmbiguousRow row, Decode<AmbiguousRow>(rows->value()));
    const bool wanted = account.empty() || std::find(row.accounts.begin(), row.accounts.end(),
                                                     account) != row.accounts.end();
    if (wanted) page.calls.push_back({after, std::move(row)});
  }
  LIMBECK_RETURN_IF_ERROR(rows->status());
  return page;
}

absl::StatusOr<InvoiceTotal> Ledger::ReadInvoice(
    const std::string& account,
    const std::function<absl::Status(const InvoiceEntry&)>& visit) const {
  LIMBECK_ASSIGN_OR_RETURN(const auto snapshot, engine_->NewSnapshot());
  return cache::ReadInvoice(*snapshot, account, visit);
}

absl::StatusOr<TeacherStats> Ledger::GetTeacherStats(const std::string& domain,
                                                     const std::string& teacher) const {
  LIMBECK_ASSIGN_OR_RETURN(const std::optional<std::string> row,
                           engine_->Get(kTeacherTable, ItemKey(domain, teacher)));
  if (!row.has_value()) return TeacherStats();
  return Decode<TeacherStats>(*row);
}

absl::StatusOr<Counters> Ledger::GetCounters() const {
  LIMBECK_ASSIGN_OR_RETURN(const std::optional<std::string> row,
                           engine_->Get(kMetaTable, "counters"));
  if (!row.has_value()) return Counters();
  return Decode<Counters>(*row);
}

}  // namespace limbeck::cache
