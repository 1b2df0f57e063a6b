// Scalars as pure functions of training progress.
#pragma once

#include <cstdint>

namespace limbeck::trainer {

enum class ScheduleShape { kLinear, kCosine, kConstant };

struct Schedule {
  double start = 1.0;
  double end = 1.0;
  ScheduleShape shape = ScheduleShape::kLinear;
};

// The value at `progress`, clamped to [0, 1]: `start` at 0, `end` at 1.
double ValueAt(const Schedule& schedule, double progress);

// Share of the peak learning rate for optimiser step `step` (from 0) of `steps`: a linear warm-up
// over the first `warmup_share` of the steps that reaches 1 at its last step, then half a cosine
// wave down to 0 behind the last step. Never 0 within the run.
double LearningRateShare(uint64_t step, uint64_t steps, double warmup_share);

}  // namespace limbeck::trainer
