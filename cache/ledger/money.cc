#include "cache/ledger/money.h"

#include <algorithm>
#include <functional>

#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "cache/client/accounts.h"

namespace limbeck::cache {
namespace {

absl::Status ChangeAccounts(Transaction* transaction, const std::vector<std::string>& accounts,
                            const std::function<void(AccountState*)>& change) {
  for (const std::string& name : accounts) {
    LIMBECK_ASSIGN_OR_RETURN(std::optional<AccountState> account,
                             transaction->GetRow<AccountState>(kAccountTable, name));
    if (!account.has_value()) {
      account.emplace();
      account->name = name;
    }
    change(&*account);
    transaction->Put(kAccountTable, name, Encode(*account));
  }
  return absl::OkStatus();
}

int64_t MonthCeiling(const AccountState& team) {
  return team.month_ceiling_micro_usd > 0 ? team.month_ceiling_micro_usd : kNoCeiling;
}

// The outcome of the try that ended the claim is known after all.
absl::Status ResolveAmbiguous(Transaction* transaction, LedgerRow* row) {
  if (row->ambiguous_sequence == 0) return absl::OkStatus();
  const std::string key = NumberKey(row->ambiguous_sequence);
  LIMBECK_ASSIGN_OR_RETURN(const std::optional<AmbiguousRow> call,
                           transaction->GetRow<AmbiguousRow>(kAmbiguousTable, key));
  if (!call.has_value()) {
    return absl::DataLossError(
        absl::StrCat("ambiguous call ", row->ambiguous_sequence, " is gone"));
  }
  row->ambiguous -= call->micro_usd;
  row->ambiguous_sequence = 0;
  transaction->Delete(kAmbiguousTable, key);
  return ChangeAccounts(transaction, row->accounts, [&](AccountState* account) {
    account->spent_micro_usd -= call->micro_usd;
    account->ambiguous_micro_usd -= call->micro_usd;
    --account->calls_ambiguous;
  });
}

}  // namespace

absl::Status SetMonthCeiling(Transaction* transaction, const AccountState& team, absl::Time now) {
  if (!IsTeamAccount(team.name)) return absl::OkStatus();
  const std::string name = MonthAccount(team.name, now);
  LIMBECK_ASSIGN_OR_RETURN(std::optional<AccountState> month,
                           transaction->GetRow<AccountState>(kAccountTable, name));
  if (!month.has_value()) return absl::OkStatus();
  month->ceiling_micro_usd = MonthCeiling(team);
  transaction->Put(kAccountTable, name, Encode(*month));
  return absl::OkStatus();
}

absl::StatusOr<std::vector<std::string>> WithMonths(Transaction* transaction,
                                                    const std::vector<std::string>& accounts,
                                                    absl::Time now) {
  std::vector<std::string> all;
  for (const std::string& name : accounts) {
    all.push_back(name);
    if (!IsTeamAccount(name)) continue;
    LIMBECK_ASSIGN_OR_RETURN(const std::optional<AccountState> team,
                             transaction->GetRow<AccountState>(kAccountTable, name));
    if (!team.has_value()) continue;
    all.push_back(MonthAccount(name, now));
    LIMBECK_ASSIGN_OR_RETURN(const std::optional<AccountState> known,
                             transaction->GetRow<AccountState>(kAccountTable, all.back()));
    if (known.has_value()) continue;
    AccountState month;
    month.name = all.back();
    month.ceiling_micro_usd = MonthCeiling(*team);
    transaction->Put(kAccountTable, month.name, Encode(month));
  }
  return all;
}

absl::StatusOr<std::optional<NoRoom>> Reserve(Transaction* transaction, uint64_t fence,
                                              LedgerRow* row) {
  for (const std::string& name : row->accounts) {
    LIMBECK_ASSIGN_OR_RETURN(const std::optional<AccountState> account,
                             transaction->GetRow<AccountState>(kAccountTable, name));
    if (!account.has_value()) return std::optional<NoRoom>(NoRoom{name, 0});
    const int64_t left =
        account->ceiling_micro_usd - account->reserved_micro_usd - account->spent_micro_usd;
    if (left < row->reserve) return std::optional<NoRoom>(NoRoom{name, std::max<int64_t>(left, 0)});
  }
  LIMBECK_RETURN_IF_ERROR(ChangeAccounts(transaction, row->accounts, [&](AccountState* account) {
    if (account->first_fence == 0) {
      // Rows of version 1 do not say where they began.
      const bool older = account->spent_micro_usd != 0 || account->reserved_micro_usd != 0;
      account->first_fence = older ? 1 : fence;
    }
    account->reserved_micro_usd += row->reserve;
    account->last_fence = std::max(account->last_fence, fence);
  }));
  row->reserved += row->reserve;
  return std::optional<NoRoom>();
}

absl::Status GiveBack(Transaction* transaction, LedgerRow* row) {
  const int64_t reserved = std::exchange(row->reserved, 0);
  return ChangeAccounts(transaction, row->accounts, [reserved](AccountState* account) {
    account->reserved_micro_usd -= reserved;
  });
}

absl::Status Settle(Transaction* transaction, int64_t actual_micro_usd, bool bought,
                    LedgerRow* row) {
  LIMBECK_RETURN_IF_ERROR(ResolveAmbiguous(transaction, row));
  const int64_t reserved = std::exchange(row->reserved, 0);
  const int64_t change = actual_micro_usd - row->charged;
  row->charged = actual_micro_usd;
  return ChangeAccounts(transaction, row->accounts, [&](AccountState* account) {
    account->reserved_micro_usd -= reserved;
    account->spent_micro_usd += change;
    account->answers_bought += bought ? 1 : 0;
  });
}

absl::Status MarkAmbiguous(Transaction* transaction, uint64_t fence, int64_t now_micros,
                           std::string_view note, LedgerRow* row) {
  AmbiguousRow call;
  call.key = row->key;
  call.fence = fence;
  call.accounts = row->accounts;
  call.micro_usd = std::exchange(row->reserved, 0);
  call.time_micros = now_micros;
  call.note = note;
  row->ambiguous += call.micro_usd;
  row->ambiguous_sequence = transaction->counters().next_ambiguous++;
  transaction->Put(kAmbiguousTable, NumberKey(row->ambiguous_sequence), Encode(call));
  return ChangeAccounts(transaction, row->accounts, [&](AccountState* account) {
    account->reserved_micro_usd -= call.micro_usd;
    account->spent_micro_usd += call.micro_usd;
    account->ambiguous_micro_usd += call.micro_usd;
    ++account->calls_ambiguous;
  });
}

absl::Status CountReused(Transaction* transaction, const std::vector<std::string>& accounts,
                         uint64_t answers) {
  return ChangeAccounts(transaction, accounts,
                        [answers](AccountState* account) { account->answers_reused += answers; });
}

}  // namespace limbeck::cache
