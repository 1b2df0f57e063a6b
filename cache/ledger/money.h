// Changes to accounts and ledger rows, in pairs, so that for every account the sum over ledger rows
// always equals the account. Writer thread only; all work on a Transaction.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "cache/ledger/rows.h"
#include "cache/ledger/transaction.h"

namespace limbeck::cache {

struct NoRoom {
  std::string account;
  int64_t left_micro_usd = 0;  // ≥ 0.
};

// Gives the account of the team's month that holds `now`, if there is one, the team's ceiling for
// months. Nothing for other accounts.
absl::Status SetMonthCeiling(Transaction* transaction, const AccountState& team, absl::Time now);

// `accounts` and, after each team that has a ceiling, the account of its month that holds `now`,
// which is made where it is new. Money counts for the month in which it was reserved.
absl::StatusOr<std::vector<std::string>> WithMonths(Transaction* transaction,
                                                    const std::vector<std::string>& accounts,
                                                    absl::Time now);

// Sets aside row->reserve in each of its accounts, or in none: the account without room is
// returned. An account that was never given a ceiling has no room. `fence` is the claim's.
absl::StatusOr<std::optional<NoRoom>> Reserve(Transaction* transaction, uint64_t fence,
                                              LedgerRow* row);

// Gives back what is set aside.
absl::Status GiveBack(Transaction* transaction, LedgerRow* row);

// Ends the reservation, or the unknown outcome of the claim's last try, with what was billed.
// Counts an answer when `bought`.
absl::Status Settle(Transaction* transaction, int64_t actual_micro_usd, bool bought,
                    LedgerRow* row);

// Counts what is set aside as spent on a call whose outcome is unknown, and lists it.
absl::Status MarkAmbiguous(Transaction* transaction, uint64_t fence, int64_t now_micros,
                           std::string_view note, LedgerRow* row);

// Counts answers that were there already.
absl::Status CountReused(Transaction* transaction, const std::vector<std::string>& accounts,
                         uint64_t answers);

}  // namespace limbeck::cache
