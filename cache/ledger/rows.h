// The ledger's tables and rows. Rows start with a version byte: 2 is written, 1 (without what
// invoices need) is read too. A row that does not decode is DATA_LOSS for whoever reads it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "cache/client/cache_client.h"

namespace limbeck::cache {

// domain, key → IndexRow
inline constexpr std::string_view kIndexTable = "idx";
// ordinal → record bytes, in order of arrival
inline constexpr std::string_view kRecordTable = "rec";
// domain, key → ClaimRow, while the claim is alive
inline constexpr std::string_view kClaimTable = "claim";
// fence → LedgerRow, for ever
inline constexpr std::string_view kLedgerTable = "ledger";
// account name → AccountState
inline constexpr std::string_view kAccountTable = "account";
// sequence → AmbiguousRow, until it is resolved
inline constexpr std::string_view kAmbiguousTable = "ambiguous";
// domain, key, fence → ordinal of an answer kept beside the first
inline constexpr std::string_view kLateTable = "late";
// account, key → ReuseRow: what an account was served without buying it
inline constexpr std::string_view kReuseTable = "reuse";
// domain, teacher → TeacherStats
inline constexpr std::string_view kTeacherTable = "teacher";
// "counters" → Counters; "secret" → 32 random bytes
inline constexpr std::string_view kMetaTable = "meta";

// Every table above, for kv::OpenOptions.
std::vector<std::string> LedgerTables();

struct IndexRow {
  uint64_t ordinal = 0;
  uint32_t length = 0;
  uint64_t checksum = 0;  // XXH3-64 of the record.
  uint32_t serves = 0;    // Largest number of candidates that it can be served for.
  uint64_t fence = 0;     // The claim that bought it.
};

struct ClaimRow {
  uint64_t fence = 0;
  ClaimOwner owner;
  std::string request_id;
  int64_t deadline_micros = 0;  // Wall time.
  int64_t life_micros = 0;
};

// One claim's money from reservation to settlement.
struct LedgerRow {
  enum class State : uint8_t {
    kOpen = 0,       // `reserved` is set aside.
    kStored = 1,     // Answer stored, `charged` spent.
    kLate = 2,       // Answer kept beside another, `charged` spent.
    kNotBilled = 3,  // Given back.
    kUnusable = 4,   // `charged` spent, nothing stored.
    kAmbiguous = 5   // Outcome unknown; see `ambiguous`.
  };
  State state = State::kOpen;
  std::string domain;
  std::string key;
  std::vector<std::string> accounts;  // Each is charged in full.
  ClaimOwner owner;
  int64_t reserve = 0;  // What one try sets aside.
  int64_t reserved = 0;
  int64_t charged = 0;
  int64_t ambiguous = 0;            // Spent on tries whose outcome is unknown.
  uint64_t ambiguous_sequence = 0;  // Of the try that ended the claim, while kAmbiguous.
  int64_t opened_micros = 0;
  int64_t closed_micros = 0;
  std::string note;
  // The last release and its outcome, so that its retry changes nothing.
  std::string release_id;
  ReleaseOutcome release_outcome = ReleaseOutcome::kReleased;
  // For invoices.
  std::string teacher;
  std::string row;
  int64_t estimate = 0;
  CallUsage usage;
};

struct ReuseRow {
  uint64_t fence = 0;  // The claim that bought the answer, by whomever.
  int64_t time_micros = 0;
  std::string row;
  std::string teacher;
};

struct AmbiguousRow {
  std::string key;
  uint64_t fence = 0;
  std::vector<std::string> accounts;
  int64_t micro_usd = 0;
  int64_t time_micros = 0;
  std::string note;
};

// One row that every write reads and replaces: it numbers things, and since it changes with every
// write it also proves that nothing else was written in between.
struct Counters {
  uint64_t version = 0;
  uint64_t next_ordinal = 1;
  uint64_t next_fence = 1;
  uint64_t next_ambiguous = 1;
  uint64_t records = 0;
  uint64_t record_bytes = 0;
  uint64_t late_records = 0;
  uint64_t claims = 0;
};

std::string Encode(const IndexRow& row);
std::string Encode(const ClaimRow& row);
std::string Encode(const LedgerRow& row);
std::string Encode(const AmbiguousRow& row);
std::string Encode(const AccountState& row);
std::string Encode(const Counters& row);
std::string Encode(const ReuseRow& row);
std::string Encode(const TeacherStats& row);

// DATA_LOSS for bytes that Encode did not write.
template <typename Row>
absl::StatusOr<Row> Decode(std::string_view bytes);

// Whether the bytes of a LedgerRow say kOpen, without decoding the rest.
bool IsOpen(std::string_view ledger_row);

// Keys of idx, claim, reuse and teacher rows.
std::string ItemKey(std::string_view domain, std::string_view key);
// Keys of rec, ledger and ambiguous rows.
std::string NumberKey(uint64_t number);
// Keys of late rows.
std::string LateKey(std::string_view domain, std::string_view key, uint64_t fence);

}  // namespace limbeck::cache
