// Changes to accounts and ledger rows, in pairs, so that for every account the sum over ledger rows
// always equals the account. Writer thread only; all work on a Transaction.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "cache/ledger/rows.h"
#include "cache/ledger/transaction.h"

namespace limbeck::cache {

struct NoRoom {
  std::string account;
  int64_t left_micro_usd = 0;  // ≥ 0.
};

// Sets aside row->reserve in each of its accounts, or in none: the account without room is
// returned. An account that was never given a ceiling has no room.
absl::StatusOr<std::optional<NoRoom>> Reserve(Transaction* transaction, LedgerRow* row);

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
