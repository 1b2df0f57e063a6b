#include "trainer/schedules/schedule.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace limbeck::trainer {

double ValueAt(const Schedule& schedule, double progress) {
  const double x = std::clamp(progress, 0.0, 1.0);
  switch (schedule.shape) {
    case ScheduleShape::kConstant:
      return schedule.start;
    case ScheduleShape::kCosine:
      return schedule.end +
             (schedule.start - schedule.end) * 0.5 * (1.0 + std::cos(std::numbers::pi * x));
    case ScheduleShape::kLinear:
      break;
  }
  return schedule.start + (schedule.end - schedule.start) * x;
}

double LearningRateShare(uint64_t step, uint64_t steps, double warmup_share) {
  const double warmup = std::ceil(warmup_share * static_cast<double>(steps));
  const auto done = static_cast<double>(step);
  if (done < warmup) return (done + 1.0) / warmup;
  const double rest = static_cast<double>(steps) - warmup;
  if (rest <= 0.0) return 1.0;
  return 0.5 * (1.0 + std::cos(std::numbers::pi * std::min(1.0, (done - warmup) / rest)));
}

}  // namespace limbeck::trainer
