#include "cache/ledger/invoice.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "cache/ledger/rows.h"

namespace limbeck::cache {
namespace {

using Visit = std::function<absl::Status(const InvoiceEntry&)>;

InvoiceEntry::Kind KindOf(LedgerRow::State state) {
  switch (state) {
    case LedgerRow::State::kOpen:
      return InvoiceEntry::Kind::kOpen;
    case LedgerRow::State::kStored:
      return InvoiceEntry::Kind::kBought;
    case LedgerRow::State::kLate:
      return InvoiceEntry::Kind::kLate;
    case LedgerRow::State::kNotBilled:
      return InvoiceEntry::Kind::kUnused;
    case LedgerRow::State::kUnusable:
      return InvoiceEntry::Kind::kUnusable;
    case LedgerRow::State::kAmbiguous:
      break;
  }
  return InvoiceEntry::Kind::kAmbiguous;
}

bool Charges(const LedgerRow& row, const std::string& account) {
  return std::find(row.accounts.begin(), row.accounts.end(), account) != row.accounts.end();
}

class InvoiceReader {
 public:
  InvoiceReader(const kv::Reader& reader, const std::string& account, const Visit& visit)
      : reader_(reader), account_(account), visit_(visit) {}

  absl::StatusOr<InvoiceTotal> Run() {
    LIMBECK_ASSIGN_OR_RETURN(const auto row, reader_.Get(kAccountTable, account_));
    if (!row.has_value()) {
      return absl::NotFoundError(
          absl::StrCat("account ", account_, " does not exist: nothing was reserved for it yet"));
    }
    LIMBECK_ASSIGN_OR_RETURN(total_.account, Decode<AccountState>(*row));
    LIMBECK_RETURN_IF_ERROR(ReadClaims());
    LIMBECK_RETURN_IF_ERROR(ReadReuse());
    if (spent_ != total_.account.spent_micro_usd || open_ != total_.account.reserved_micro_usd) {
      return absl::DataLossError(
          absl::StrCat("account ", account_, " has spent ", total_.account.spent_micro_usd,
                       " and reserved ", total_.account.reserved_micro_usd,
                       " micro-USD, but its lines add up to ", spent_, " and ", open_));
    }
    return total_;
  }

 private:
  absl::Status ReadClaims() {
    // Rows of version 1 do not say where their claims are: all are looked through.
    const uint64_t last = total_.account.last_fence;
    LIMBECK_ASSIGN_OR_RETURN(const auto rows,
                             reader_.Scan(kLedgerTable, NumberKey(total_.account.first_fence),
                                          last == 0 ? std::string() : NumberKey(last + 1)));
    for (; rows->Valid(); rows->Next()) {
      std::string_view key = rows->key();
      uint64_t fence = 0;
      if (!kv::ConsumeOrderedU64(&key, &fence)) return absl::DataLossError("damaged ledger key");
      LIMBECK_ASSIGN_OR_RETURN(const LedgerRow row, Decode<LedgerRow>(rows->value()));
      if (Charges(row, account_)) LIMBECK_RETURN_IF_ERROR(AddClaim(fence, row));
    }
    return rows->status();
  }

  // A claim is one line for how it ended, and one for tries before that whose outcome is unknown.
  absl::Status AddClaim(uint64_t fence, const LedgerRow& row) {
    InvoiceEntry entry;
    entry.kind = KindOf(row.state);
    entry.fence = fence;
    entry.key = row.key;
    entry.row = row.row;
    entry.teacher = row.teacher;
    entry.unix_micros = row.closed_micros != 0 ? row.closed_micros : row.opened_micros;
    entry.reserved_micro_usd = row.reserve;
    entry.estimate_micro_usd = row.estimate;
    entry.note = row.note;
    if (row.ambiguous != 0) {
      InvoiceEntry unknown = entry;
      unknown.kind = InvoiceEntry::Kind::kAmbiguous;
      unknown.micro_usd = row.ambiguous;
      LIMBECK_RETURN_IF_ERROR(Add(unknown));
    }
    if (row.state == LedgerRow::State::kAmbiguous && row.ambiguous != 0) return absl::OkStatus();
    entry.micro_usd = row.charged;
    entry.usage = row.usage;
    open_ += row.reserved;
    return Add(entry);
  }

  absl::Status ReadReuse() {
    const std::string begin = ItemKey(account_, "");
    LIMBECK_ASSIGN_OR_RETURN(const auto rows,
                             reader_.Scan(kReuseTable, begin, kv::PrefixEnd(begin)));
    for (; rows->Valid(); rows->Next()) {
      LIMBECK_ASSIGN_OR_RETURN(const ReuseRow row, Decode<ReuseRow>(rows->value()));
      LIMBECK_ASSIGN_OR_RETURN(const bool own, IsOwnPurchase(row.fence));
      if (own) continue;
      InvoiceEntry entry;
      entry.kind = InvoiceEntry::Kind::kCached;
      entry.fence = row.fence;
      entry.key = std::string(rows->key().substr(begin.size()));
      entry.row = row.row;
      entry.teacher = row.teacher;
      entry.unix_micros = row.time_micros;
      LIMBECK_RETURN_IF_ERROR(Add(entry));
    }
    return rows->status();
  }

  // A job that walks its rows again finds what it bought itself; that has a line already.
  absl::StatusOr<bool> IsOwnPurchase(uint64_t fence) const {
    const uint64_t last = total_.account.last_fence;
    if (fence < total_.account.first_fence || (last != 0 && fence > last)) return false;
    LIMBECK_ASSIGN_OR_RETURN(const auto bytes, reader_.Get(kLedgerTable, NumberKey(fence)));
    if (!bytes.has_value()) return absl::DataLossError(absl::StrCat("claim ", fence, " is gone"));
    LIMBECK_ASSIGN_OR_RETURN(const LedgerRow row, Decode<LedgerRow>(*bytes));
    return Charges(row, account_);
  }

  absl::Status Add(const InvoiceEntry& entry) {
    spent_ += entry.micro_usd;
    ++total_.entries;
    return visit_(entry);
  }

  const kv::Reader& reader_;
  const std::string& account_;
  const Visit& visit_;
  InvoiceTotal total_;
  int64_t spent_ = 0;
  int64_t open_ = 0;
};

}  // namespace

absl::StatusOr<InvoiceTotal> ReadInvoice(const kv::Reader& reader, const std::string& account,
                                         const Visit& visit) {
  return InvoiceReader(reader, account, visit).Run();
}

}  // namespace limbeck::cache
