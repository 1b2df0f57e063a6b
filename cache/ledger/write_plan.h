// Requests applied to one transaction in memory, and the one synced write that makes them durable.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "base/kv/engine.h"
#include "cache/ledger/transaction.h"
#include "cache/ledger/write_turn.h"

namespace limbeck::cache {

// A change that GroupWriter makes durable.
struct WriteRequest {
  struct Reads {
    std::string_view table;
    std::vector<std::string> keys;
  };
  // Rows that `apply` will look at, read in bulk with those of other requests.
  std::vector<Reads> reads;
  // Makes the changes. Runs on the writer's thread, possibly more than once, and must leave no
  // trace but in the transaction and in results that a later run replaces. An error undoes its
  // changes and is the answer.
  std::function<absl::Status(Transaction*)> apply;
  // Payload, about.
  size_t bytes = 0;
  // Called once, on the writer's thread, when the changes are durable or refused. Must not block;
  // may destroy the request.
  std::function<void(const absl::Status&)> done;
};

// What the next plan starts from. Kept by one thread.
class WriteBase {
 public:
  // Borrows `engine`.
  explicit WriteBase(kv::Engine* engine) : engine_(engine), turn_(engine) {}

  // Forgets everything remembered: another server has written, or a write failed.
  void Reset();
  // Of this server among those that write to the engine.
  WriteTurn& turn() { return turn_; }

 private:
  friend class WritePlan;

  kv::Engine* const engine_;
  // Bytes of the counters row; outer nullopt: to be read, inner: absent.
  std::optional<std::optional<std::string>> counters_;
  HotRows hot_;
  // Of the last sealed plan.
  std::shared_ptr<const RowWrites> pending_;
  uint64_t pending_fence_ = 0;  // Its first fence.
  WriteTurn turn_;
};

// One group. Add, then Seal, then Write; Write may run on another thread.
class WritePlan {
 public:
  struct Entry {
    WriteRequest* request;
    absl::Status status;
  };

  // Borrows `base`, which serves one unsealed plan at a time.
  explicit WritePlan(WriteBase* base);

  // Applies `requests` in order. When their rows cannot be read they get that status, and the
  // plan's other requests are not touched.
  void Add(const std::vector<WriteRequest*>& requests);
  // No more requests: later plans on the same base see this plan's changes. Call once every plan
  // before is durable.
  void Seal();
  // Blocks until the changes are durable. ABORTED: another server wrote in between or has the turn;
  // after any error the base has to be reset and the requests planned anew.
  absl::Status Write();

  bool empty() const { return entries_.empty(); }
  size_t size() const { return entries_.size(); }
  size_t bytes() const { return bytes_; }
  std::vector<Entry>& entries() { return entries_; }

 private:
  absl::Status Prefetch(const std::vector<WriteRequest*>& requests);

  WriteBase* const base_;
  kv::Engine* const engine_;
  std::optional<std::string> expected_;  // Counters row that this plan starts from.
  absl::Status start_;
  Transaction transaction_;
  std::vector<Entry> entries_;
  size_t bytes_ = 0;
  // After Seal, when there are writes.
  std::string counters_;
  std::optional<std::string> turn_;
};

}  // namespace limbeck::cache
