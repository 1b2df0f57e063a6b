// When a run is due for a checkpoint: by steps and by time.
#pragma once

#include <cstdint>

#include "absl/time/time.h"
#include "base/clock.h"

namespace limbeck::trainer {

struct CheckpointCadence {
  // Steps from one checkpoint to the next, at least. ≥ 1.
  uint32_t steps = 50;
  // And time, at least: fast steps must not spend their time on checkpoints.
  absl::Duration min_interval = absl::Seconds(5);
  // After this long one is due however few steps were made: slow steps must not be lost.
  absl::Duration max_interval = absl::Seconds(60);
};

// Pure but for the clock; one thread. Of a group's ranks only rank 0's is asked, so that clocks
// which differ cannot make ranks decide differently.
class CheckpointTimer {
 public:
  // Counts from now and from `step`. `clock` must outlive this.
  CheckpointTimer(const CheckpointCadence& cadence, Clock* clock, uint64_t step);

  // Whether the state after `step` steps is to be saved.
  bool Due(uint64_t step) const;
  // A save of that state was begun.
  void Saved(uint64_t step);

 private:
  const CheckpointCadence cadence_;
  Clock* const clock_;
  uint64_t step_;
  SteadyTime time_;
};

}  // namespace limbeck::trainer
