// The cache as its callers see it: plain structs over CacheService. Gateways buy through it,
// trainers stream from it; tests replace it with a cache in the same process.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace limbeck::cache {

struct ClaimOwner {
  std::string gateway;
  uint64_t incarnation = 0;
};

struct AcquireItem {
  std::string canonical_request;
  uint32_t top_logprobs = 0;
  int64_t reserve_micro_usd = 0;   // Upper bound of what the call can cost.
  int64_t estimate_micro_usd = 0;  // What it will likely cost.
  std::string row = {};            // For people, for example "train:17".
};

struct AcquireRequest {
  std::string domain;
  std::vector<std::string> accounts;
  ClaimOwner owner;
  // Names this attempt: the same id again (a retry after an unknown outcome) is given the claims it
  // already holds, another id waits for them. Empty: the client draws one per call.
  std::string request_id;
  std::vector<AcquireItem> items;  // At most kMaxBatchItems.
  absl::Duration claim_life = absl::Minutes(15);
  bool include_records = false;
  bool lookup_only = false;
  std::string teacher = {};  // Who will be asked; names the calls on invoices.
};

inline constexpr size_t kMaxBatchItems = 4096;

struct AcquireResult {
  enum class Kind { kHit, kYours, kWait, kRefused, kAbsent };
  Kind kind = Kind::kAbsent;
  std::string key;              // 32 bytes.
  std::string record;           // kHit with include_records; empty where it did not fit.
  uint64_t fence = 0;           // kYours.
  absl::Duration retry_after;   // kWait.
  std::string refused_account;  // kRefused.
  int64_t left_micro_usd = 0;   // kRefused.
};

// What a call used, for invoices and for estimates of later jobs.
struct CallUsage {
  // By the provider. Without its word the upper bound was charged and the counts are 0.
  bool reported = false;
  uint64_t input_tokens = 0;
  uint64_t cached_input_tokens = 0;  // Part of input_tokens.
  uint64_t output_tokens = 0;
  uint64_t prompt_bytes = 0;  // Text that was sent; 0 keeps the call out of estimates.
  uint64_t micros = 0;        // From sending to the whole answer.
};

struct CommitItem {
  std::string key;
  uint64_t fence = 0;
  std::string record;
  int64_t actual_micro_usd = 0;
  CallUsage usage = {};
};
enum class CommitOutcome { kStored, kKeptAsLate };

struct ReleaseItem {
  enum class Reason { kNotBilled, kAmbiguous, kBilledUnusable };
  std::string key;
  uint64_t fence = 0;
  Reason reason = Reason::kNotBilled;
  int64_t actual_micro_usd = 0;  // kBilledUnusable.
  bool keep_claim = false;       // kAmbiguous: another try follows.
  std::string note;
  CallUsage usage = {};  // kBilledUnusable.
};
enum class ReleaseOutcome { kReleased, kKept, kNoMoney, kNotHeld };

struct AccountState {
  std::string name;
  int64_t ceiling_micro_usd = 0;
  int64_t reserved_micro_usd = 0;
  int64_t spent_micro_usd = 0;  // Includes ambiguous.
  int64_t ambiguous_micro_usd = 0;
  uint64_t answers_bought = 0;
  uint64_t answers_reused = 0;
  uint64_t calls_ambiguous = 0;
  // Of a team: ceiling of each calendar month's account; 0 for none.
  int64_t month_ceiling_micro_usd = 0;
  // Claims that this account was charged for lie within; 0 before the first. Ledger only.
  uint64_t first_fence = 0;
  uint64_t last_fence = 0;
};

// What calls to one teacher used in one domain so far; recent ones count more.
struct TeacherStats {
  uint64_t calls = 0;
  uint64_t prompt_bytes = 0;
  uint64_t input_tokens = 0;
  uint64_t output_tokens = 0;
  uint64_t micros = 0;  // From sending to the whole answer, over all calls.
  // Sums of squares over calls: input tokens per 1,000 prompt bytes, output tokens.
  uint64_t input_rate_sum = 0;
  uint64_t input_rate_squares = 0;
  uint64_t output_squares = 0;
};

// One line of an invoice.
struct InvoiceEntry {
  enum class Kind {
    kBought,     // Stored as the query's answer.
    kLate,       // Billed, kept beside an answer that was there first.
    kUnusable,   // Billed, not usable.
    kAmbiguous,  // Sent, outcome unknown: counts as spent.
    kUnused,     // Not billed: the reservation came back.
    kOpen,       // Reserved for a call under way.
    kCached      // Answered by the cache.
  };
  Kind kind = Kind::kBought;
  uint64_t fence = 0;  // Of the claim; of kCached the claim that bought the answer.
  std::string key;
  std::string row;
  std::string teacher;
  int64_t unix_micros = 0;         // When it ended; of kOpen when it began.
  CallUsage usage;                 // Tokens only.
  int64_t micro_usd = 0;           // Spent.
  int64_t reserved_micro_usd = 0;  // Upper bound that was, or of kOpen is, set aside.
  int64_t estimate_micro_usd = 0;
  std::string note;
};

// The account after the last line: its spent and reserved are the lines' sums.
struct InvoiceTotal {
  AccountState account;
  uint64_t entries = 0;
};

struct TrainingExample {
  std::string row_id;
  std::string input;
  std::string gold;
  uint32_t variant = 0;
};

struct SnapshotItem {
  TrainingExample example;
  std::vector<std::string> keys;
};

struct SnapshotInfo {
  std::string id;
  uint64_t items = 0;
  uint32_t packs = 0;
  uint64_t bytes = 0;
};

// Items as they leave the cache.
struct StreamItem {
  uint32_t epoch = 0;
  uint64_t position = 0;  // Over all workers, within the epoch.
  TrainingExample example;
  std::vector<std::string> records;  // Encoded, in order of sample index.
};

struct StreamOptions {
  std::string snapshot_id;
  uint64_t seed = 1;
  uint32_t epoch = 0;
  uint64_t position = 0;
  uint32_t global_batch = 1;
  uint32_t rank = 0;
  uint32_t world_size = 1;
  uint32_t epochs = 1;  // 0: endless.
  bool sequential = false;
  uint64_t window_bytes = 4u << 20;  // Bytes on the way before the reader consumes.
};

// Pull side of a stream. One reader thread.
class ItemStream {
 public:
  virtual ~ItemStream() = default;
  // Next item in order; OUT_OF_RANGE after the last. UNAVAILABLE when the cache went away: open a
  // new stream at the position after the last item.
  virtual absl::StatusOr<StreamItem> Next() = 0;
  // Unblocks Next from another thread with CANCELLED.
  virtual void Cancel() = 0;
};

// Thread-safe; every call blocks its caller until the cache has answered durably. UNAVAILABLE when
// the cache cannot be reached within `deadline` (see NewCacheClient): the caller must not buy.
class CacheClient {
 public:
  virtual ~CacheClient() = default;
  // `month_ceiling_micro_usd`: of teams only, for each calendar month (UTC); 0 for none.
  virtual absl::StatusOr<AccountState> SetCeiling(const std::string& account,
                                                  int64_t ceiling_micro_usd,
                                                  int64_t month_ceiling_micro_usd = 0) = 0;
  virtual absl::StatusOr<std::vector<AcquireResult>> Acquire(const AcquireRequest& request) = 0;
  virtual absl::StatusOr<std::vector<CommitOutcome>> Commit(
      const std::string& domain, const std::vector<CommitItem>& items) = 0;
  virtual absl::StatusOr<std::vector<ReleaseOutcome>> Release(
      const std::string& domain, const std::vector<ReleaseItem>& items) = 0;
  virtual absl::StatusOr<std::vector<AccountState>> GetSpend(
      const std::vector<std::string>& accounts) = 0;
  // All zero for a teacher that was never asked.
  virtual absl::StatusOr<TeacherStats> GetTeacherStats(const std::string& domain,
                                                       const std::string& teacher) = 0;
  // Every line that `account` was charged for, as of one moment; `visit` may end it with an error,
  // which is returned. NOT_FOUND for an unknown account; DATA_LOSS when the lines do not add up to
  // it. Not retried: lines would come twice.
  virtual absl::StatusOr<InvoiceTotal> ReadInvoice(
      const std::string& account,
      const std::function<absl::Status(const InvoiceEntry&)>& visit) = 0;

  // Writes a snapshot; `next` is called until it returns nullptr and must keep its item alive until
  // the next call. Idempotent by content.
  virtual absl::StatusOr<SnapshotInfo> CreateSnapshot(
      const std::string& domain, const std::string& display_name,
      const std::function<absl::StatusOr<const SnapshotItem*>()>& next) = 0;
  virtual absl::StatusOr<SnapshotInfo> GetSnapshot(const std::string& id) = 0;
  virtual absl::StatusOr<std::unique_ptr<ItemStream>> Stream(const StreamOptions& options) = 0;
};

}  // namespace limbeck::cache
