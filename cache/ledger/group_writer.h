// Group commit: many small requests, one synced write. Callers enter a bounded queue; one thread
// takes all that wait, applies each to a Transaction, writes once and answers everybody.
//
// Two writers on one engine stay correct: each write expects the counters row that it started from,
// and that row changes with every write, so a group that raced with another is planned afresh.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "base/kv/engine.h"
#include "cache/ledger/transaction.h"

namespace limbeck::cache {

struct GroupWriterOptions {
  // Requests that may wait; the next one is refused with UNAVAILABLE.
  size_t max_queued_requests = 8192;
  // A group ends with the request that brings its payload to this size.
  size_t max_group_bytes = 16u << 20;
  size_t max_group_requests = 1024;
  // Planning a group anew because another server wrote in between.
  int max_attempts = 64;
};

struct GroupWriterStats {
  uint64_t groups = 0;
  uint64_t requests = 0;
  uint64_t conflicts = 0;
  uint64_t refused = 0;
  size_t queued = 0;
};

// Thread-safe.
class GroupWriter {
 public:
  // One request. `prefetch` names rows to read in bulk; `apply` makes the changes. Both run on the
  // writer thread, possibly more than once, and must leave no trace but in the transaction and in
  // results that a later run replaces. An error from `apply` undoes its changes and is the answer.
  struct Request {
    std::function<absl::Status(Transaction*)> prefetch;
    std::function<absl::Status(Transaction*)> apply;
    size_t bytes = 0;
  };

  // Borrows `engine`.
  GroupWriter(kv::Engine* engine, GroupWriterOptions options);
  // Answers what waits, then stops.
  ~GroupWriter();

  // Blocks until the request's changes are durable. UNAVAILABLE: queue full, stopping, or the
  // engine could not say whether the write happened; the same request may be tried again.
  absl::Status Run(const Request& request);

  GroupWriterStats stats() const;

 private:
  struct Waiting {
    const Request* request;
    absl::Status status;
    bool done = false;
  };
  using Group = std::vector<Waiting*>;

  void Loop();
  Group TakeGroup();
  void Serve(const Group& group);
  // ABORTED: another server wrote in between.
  absl::Status TryOnce(const Group& group);

  kv::Engine* const engine_;
  const GroupWriterOptions options_;

  // Writer thread only.
  HotRows hot_accounts_;
  std::optional<std::optional<std::string>> counters_bytes_;

  mutable absl::Mutex mu_;
  std::deque<Waiting*> queue_ ABSL_GUARDED_BY(mu_);
  bool stopping_ ABSL_GUARDED_BY(mu_) = false;
  GroupWriterStats stats_ ABSL_GUARDED_BY(mu_);

  std::thread thread_;  // Last: starts when all else is there.
};

}  // namespace limbeck::cache
