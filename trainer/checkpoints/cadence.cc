#include "trainer/checkpoints/cadence.h"

namespace limbeck::trainer {

CheckpointTimer::CheckpointTimer(const CheckpointCadence& cadence, Clock* clock, uint64_t step)
    : cadence_(cadence), clock_(clock), step_(step), time_(clock->Now()) {}

bool CheckpointTimer::Due(uint64_t step) const {
  if (step <= step_) return false;
  const absl::Duration since = clock_->Now() - time_;
  if (since >= cadence_.max_interval) return true;
  return step - step_ >= cadence_.steps && since >= cadence_.min_interval;
}

void CheckpointTimer::Saved(uint64_t step) {
  step_ = step;
  time_ = clock_->Now();
}

}  // namespace limbeck::trainer
