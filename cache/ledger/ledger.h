// Who may buy what, who bought it and what it cost: claims, records and accounts over one
// transactional engine. Every method answers only once its effect is durable.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "base/kv/engine.h"
#include "cache/client/cache_client.h"
#include "cache/ledger/claim_deadlines.h"
#include "cache/ledger/group_writer.h"
#include "cache/ledger/rows.h"

namespace limbeck::cache {

struct LedgerOptions {
  GroupWriterOptions writer;
  // What a caller that has to wait is told.
  absl::Duration retry_after = absl::Milliseconds(200);
  // Record bytes of one commit.
  size_t max_commit_bytes = 48u << 20;
};

inline constexpr size_t kMaxAccountsPerClaim = 8;
inline constexpr int64_t kMaxMicroUsd = 1'000'000'000'000'000;  // Of one call: a billion dollars.
// A provider takes a day for a batch.
inline constexpr absl::Duration kMaxClaimLife = absl::Hours(72);
inline constexpr size_t kMaxNoteBytes = 200;
inline constexpr size_t kMaxNameBytes = 256;
inline constexpr size_t kMaxRequestIdBytes = 64;
inline constexpr size_t kMaxCanonicalRequestBytes = 4u << 20;
// Of one answer to Acquire or GetRecords.
inline constexpr size_t kMaxRecordBytesPerAnswer = 12u << 20;
// Of one record, so that an answer can always hold it.
inline constexpr size_t kMaxRecordBytes = 12u << 20;

struct AmbiguousCall {
  uint64_t sequence = 0;
  AmbiguousRow row;
};

struct AmbiguousPage {
  std::vector<AmbiguousCall> calls;
  uint64_t next_after = 0;  // 0 on the last page.
};

// What a key is stored as.
struct StoredRecord {
  std::string key;
  std::string record;
};

// Thread-safe.
class Ledger {
 public:
  // Borrows both, for the ledger's life. The engine must have LedgerTables(). Draws the secret that
  // domains' secrets derive from on the first open.
  static absl::StatusOr<std::unique_ptr<Ledger>> Open(kv::Engine* engine, Clock* clock,
                                                      LedgerOptions options);

  // INVALID_ARGUMENT for a negative ceiling, an unusable name or a month's ceiling of anything but
  // a team. A ceiling below what is reserved and spent already is fine: nothing more is reserved. A
  // month's ceiling (0: none) holds for the month that is and for later ones.
  absl::StatusOr<AccountState> SetCeiling(const std::string& account, int64_t ceiling_micro_usd,
                                          int64_t month_ceiling_micro_usd = 0);
  // Hits beyond kMaxRecordBytesPerAnswer come without their record.
  absl::StatusOr<std::vector<AcquireResult>> Acquire(const AcquireRequest& request);
  // INVALID_ARGUMENT, nothing stored: a damaged record, or a fence that was never given for its
  // key.
  absl::StatusOr<std::vector<CommitOutcome>> Commit(const std::string& domain,
                                                    const std::vector<CommitItem>& items);
  // The same without a thread that waits. `done` is called once: on this thread when the request
  // is refused, else on the writer's, which it must not block.
  using CommitDone = std::function<void(absl::StatusOr<std::vector<CommitOutcome>>)>;
  void CommitAsync(std::string domain, std::vector<CommitItem> items, CommitDone done);
  // `request_id` as in AcquireRequest.
  absl::StatusOr<std::vector<ReleaseOutcome>> Release(const std::string& domain,
                                                      const std::vector<ReleaseItem>& items,
                                                      const std::string& request_id);

  // Records that are there, in the order of the keys. DATA_LOSS names a damaged record's key.
  absl::StatusOr<std::vector<StoredRecord>> GetRecords(const std::string& domain,
                                                       const std::vector<std::string>& keys) const;
  // The record at `key`, NOT_FOUND where there is none.
  absl::StatusOr<std::string> GetRecord(const std::string& domain, const std::string& key) const;
  // Empty `accounts`: all, at most 1,000. Unknown ones are left out.
  absl::StatusOr<std::vector<AccountState>> GetSpend(
      const std::vector<std::string>& accounts) const;
  // Oldest first, with a larger sequence than `after`; empty account: all.
  absl::StatusOr<AmbiguousPage> ListAmbiguous(const std::string& account, uint64_t after,
                                              size_t limit) const;
  // As ReadInvoice of invoice.h, of one moment.
  absl::StatusOr<InvoiceTotal> ReadInvoice(
      const std::string& account,
      const std::function<absl::Status(const InvoiceEntry&)>& visit) const;
  // All zero for a teacher without answers.
  absl::StatusOr<TeacherStats> GetTeacherStats(const std::string& domain,
                                               const std::string& teacher) const;
  absl::StatusOr<Counters> GetCounters() const;
  GroupWriterStats writer_stats() const { return writer_.stats(); }

  // The key of a canonical request in a domain.
  std::string KeyOf(const std::string& domain, const std::string& canonical_request) const;

 private:
  Ledger(kv::Engine* engine, Clock* clock, LedgerOptions options, std::string secret);

  absl::Status LookUp(const AcquireRequest& request, std::vector<AcquireResult>* results) const;
  absl::Status AddRecords(const std::string& domain, std::vector<AcquireResult>* results) const;
  absl::StatusOr<std::optional<std::string>> ReadRecord(const std::string& domain,
                                                        const std::string& key) const;

  kv::Engine* const engine_;
  Clock* const clock_;
  const LedgerOptions options_;
  const std::string secret_;
  ClaimDeadlines deadlines_;
  GroupWriter writer_;
};

}  // namespace limbeck::cache
