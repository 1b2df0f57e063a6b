#include "cache/ledger/audit.h"

#include <map>
#include <set>

#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "cache/ledger/rows.h"

namespace limbeck::cache {
namespace {

template <typename Row, typename Visit>
absl::Status ForEach(const kv::Reader& reader, std::string_view table, Visit visit) {
  LIMBECK_ASSIGN_OR_RETURN(const auto rows, reader.Scan(table, "", ""));
  for (; rows->Valid(); rows->Next()) {
    LIMBECK_ASSIGN_OR_RETURN(const Row row, Decode<Row>(rows->value()));
    LIMBECK_RETURN_IF_ERROR(visit(rows->key(), row));
  }
  return rows->status();
}

std::string Describe(const AccountState& state) {
  return absl::StrCat("reserved ", state.reserved_micro_usd, ", spent ", state.spent_micro_usd,
                      ", ambiguous ", state.ambiguous_micro_usd, ", bought ", state.answers_bought);
}

// Accounts as the ledger's rows add up, and the fences whose claims are alive.
struct Sums {
  std::map<std::string, AccountState> accounts;
  std::set<uint64_t> open;
  int64_t ambiguous = 0;
};

absl::Status AddRow(std::string_view key, const LedgerRow& row, Sums* sums) {
  uint64_t fence = 0;
  if (!kv::ConsumeOrderedU64(&key, &fence)) return absl::DataLossError("damaged ledger key");
  const bool open = row.state == LedgerRow::State::kOpen;
  if (open) sums->open.insert(fence);
  if (!open && row.reserved != 0) {
    return absl::DataLossError(absl::StrCat("closed claim ", fence, " still reserves money"));
  }
  const bool bought =
      row.state == LedgerRow::State::kStored || row.state == LedgerRow::State::kLate;
  sums->ambiguous += row.ambiguous;
  for (const std::string& name : row.accounts) {
    AccountState& account = sums->accounts[name];
    account.reserved_micro_usd += row.reserved;
    account.spent_micro_usd += row.charged + row.ambiguous;
    account.ambiguous_micro_usd += row.ambiguous;
    account.answers_bought += bought ? 1 : 0;
  }
  return absl::OkStatus();
}

absl::Status CheckAccount(const AccountState& actual, bool strict_ceilings, Sums* sums) {
  const AccountState expected = sums->accounts[actual.name];
  sums->accounts.erase(actual.name);
  if (Describe(expected) != Describe(actual)) {
    return absl::DataLossError(absl::StrCat("account ", actual.name, " says ", Describe(actual),
                                            " but its claims add up to ", Describe(expected)));
  }
  if (strict_ceilings &&
      actual.reserved_micro_usd + actual.spent_micro_usd > actual.ceiling_micro_usd) {
    return absl::InternalError(absl::StrCat("account ", actual.name, " passed its ceiling of ",
                                            actual.ceiling_micro_usd, ": ", Describe(actual)));
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status AuditLedger(const kv::Reader& reader, bool strict_ceilings) {
  Sums sums;
  LIMBECK_RETURN_IF_ERROR(ForEach<LedgerRow>(
      reader, kLedgerTable,
      [&](std::string_view key, const LedgerRow& row) { return AddRow(key, row, &sums); }));
  LIMBECK_RETURN_IF_ERROR(ForEach<AccountState>(
      reader, kAccountTable, [&](std::string_view, const AccountState& account) {
        return CheckAccount(account, strict_ceilings, &sums);
      }));
  if (!sums.accounts.empty()) {
    return absl::DataLossError(
        absl::StrCat("account ", sums.accounts.begin()->first, " of a claim does not exist"));
  }
  LIMBECK_RETURN_IF_ERROR(
      ForEach<ClaimRow>(reader, kClaimTable, [&](std::string_view, const ClaimRow& claim) {
        if (sums.open.erase(claim.fence) == 1) return absl::OkStatus();
        return absl::DataLossError(absl::StrCat("claim ", claim.fence, " is not open"));
      }));
  if (!sums.open.empty()) {
    return absl::DataLossError(absl::StrCat("claim ", *sums.open.begin(), " was lost"));
  }
  LIMBECK_RETURN_IF_ERROR(ForEach<AmbiguousRow>(reader, kAmbiguousTable,
                                                [&](std::string_view, const AmbiguousRow& call) {
                                                  sums.ambiguous -= call.micro_usd;
                                                  return absl::OkStatus();
                                                }));
  if (sums.ambiguous != 0) {
    return absl::DataLossError(
        absl::StrCat("listed ambiguous calls differ from the ledger by ", sums.ambiguous));
  }
  return absl::OkStatus();
}

}  // namespace limbeck::cache
