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
  int64_t reserve_micro_usd = 0;
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

struct CommitItem {
  std::string key;
  uint64_t fence = 0;
  std::string record;
  int64_t actual_micro_usd = 0;
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
  virtual absl::StatusOr<AccountState> SetCeiling(const std::string& account,
                                                  int64_t ceiling_micro_usd) = 0;
  virtual absl::StatusOr<std::vector<AcquireResult>> Acquire(const AcquireRequest& request) = 0;
  virtual absl::StatusOr<std::vector<CommitOutcome>> Commit(
      const std::string& domain, const std::vector<CommitItem>& items) = 0;
  virtual absl::StatusOr<std::vector<ReleaseOutcome>> Release(
      const std::string& domain, const std::vector<ReleaseItem>& items) = 0;
  virtual absl::StatusOr<std::vector<AccountState>> GetSpend(
      const std::vector<std::string>& accounts) = 0;

  // Writes a snapshot; `next` is called until it returns nullptr and must keep its item alive until
  // the next call. Idempotent by content.
  virtual absl::StatusOr<SnapshotInfo> CreateSnapshot(
      const std::string& domain, const std::string& display_name,
      const std::function<absl::StatusOr<const SnapshotItem*>()>& next) = 0;
  virtual absl::StatusOr<SnapshotInfo> GetSnapshot(const std::string& id) = 0;
  virtual absl::StatusOr<std::unique_ptr<ItemStream>> Stream(const StreamOptions& options) = 0;
};

}  // namespace limbeck::cache
