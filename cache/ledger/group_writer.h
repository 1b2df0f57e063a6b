// Group commit: many small requests, one synced write. Callers enter a bounded queue. One thread
// plans: it applies requests to a transaction in memory while another thread waits for the disk
// with the group before; when that write is done, everything that was planned meanwhile goes next.
//
// Two writers on one engine stay correct: each write expects the counters row that it started from,
// and that row changes with every write, so a group that raced with another is planned afresh.
// One that keeps losing gets its turn (write_turn.h).
#pragma once

#include <deque>
#include <memory>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "base/kv/engine.h"
#include "cache/ledger/write_plan.h"

namespace limbeck::cache {

struct GroupWriterOptions {
  // Requests that may be there unanswered; the next one is refused with UNAVAILABLE.
  size_t max_queued_requests = 8192;
  // A group ends with the request that brings its payload to this size.
  size_t max_group_bytes = 16u << 20;
  size_t max_group_requests = 1024;
  // Planning a group anew because another server wrote in between.
  int max_attempts = 16;
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
  // Borrows `engine`.
  GroupWriter(kv::Engine* engine, GroupWriterOptions options);
  // Answers what waits, then stops.
  ~GroupWriter();

  // Calls request->done when the request's changes are durable; the request must stay until then.
  // UNAVAILABLE: queue full, stopping, or the engine could not say whether the write happened; the
  // same request may be tried again. Refusals are answered on the caller's thread.
  void Submit(WriteRequest* request);
  // Submit, and wait. Sets request->done.
  absl::Status Run(WriteRequest* request);

  GroupWriterStats stats() const;

 private:
  using Requests = std::vector<WriteRequest*>;

  // The group at the disk.
  struct Flight {
    std::unique_ptr<WritePlan> plan;
    absl::Status status;
    int attempts = 1;
    bool written = false;
  };

  // What the planning thread has to do.
  struct Turn {
    Requests taken;                // To add to the open plan.
    std::unique_ptr<Flight> back;  // From the disk.
    bool disk_is_free = false;
    bool stop = false;
  };

  void PlanLoop();
  void WriteLoop();
  Turn NextTurn();
  void TakeRequests(Requests* taken) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  bool HasRoom() const ABSL_SHARED_LOCKS_REQUIRED(mu_);
  void Launch(std::unique_ptr<WritePlan> plan, int attempts);
  // Plans a failed group again, or answers it. What was planned on top of it returns to the queue.
  void Recover(std::unique_ptr<Flight> failed);
  void Answer(std::vector<WritePlan::Entry>* entries);

  const GroupWriterOptions options_;

  // Planning thread only.
  WriteBase base_;
  std::unique_ptr<WritePlan> open_;

  mutable absl::Mutex mu_;
  std::deque<WriteRequest*> queue_ ABSL_GUARDED_BY(mu_);
  std::unique_ptr<Flight> flight_ ABSL_GUARDED_BY(mu_);
  size_t unanswered_ ABSL_GUARDED_BY(mu_) = 0;
  bool stopping_ ABSL_GUARDED_BY(mu_) = false;
  bool planned_all_ ABSL_GUARDED_BY(mu_) = false;
  GroupWriterStats stats_ ABSL_GUARDED_BY(mu_);

  // Last: they start when all else is there.
  std::thread writing_;
  std::thread planning_;
};

}  // namespace limbeck::cache
