// Saves checkpoints beside the training thread.
#pragma once

#include <cstdint>
#include <functional>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "base/bounded_queue.h"
#include "trainer/checkpoints/checkpoint.h"

namespace limbeck::trainer {

// States that wait for the one that is being written. Each is a copy of model and moments, so one
// bounds memory; a training thread that is faster than its disk waits.
inline constexpr size_t kWaitingCheckpoints = 1;

// Owns one thread that hashes, writes, syncs and renames. All but that happens on one training
// thread.
class CheckpointWriter {
 public:
  // `write` makes a state durable, on the writer's thread.
  using Write = std::function<absl::Status(const RunState&)>;

  explicit CheckpointWriter(Write write);
  // Writes what was submitted first.
  ~CheckpointWriter();

  // Hands a state over; waits only while `kWaitingCheckpoints` others wait.
  void Submit(RunState state);

  // The first failure that no call has returned yet; OK where every save succeeded so far. A
  // failed save does not stop later ones.
  absl::Status TakeFailure();

  // Waits until everything submitted is written, then as TakeFailure.
  absl::Status Finish();

  // Step of the newest durable state of this writer, 0 before the first.
  uint64_t saved_step() const;

 private:
  void Run();

  const Write write_;
  BoundedQueue<RunState> queue_;
  mutable absl::Mutex mu_;
  uint64_t unwritten_ ABSL_GUARDED_BY(mu_) = 0;
  uint64_t saved_step_ ABSL_GUARDED_BY(mu_) = 0;
  absl::Status failure_ ABSL_GUARDED_BY(mu_);
  std::thread thread_;
};

}  // namespace limbeck::trainer
