// Fits how far a teacher's stated confidences are to be believed.
#pragma once

#include "absl/status/statusor.h"
#include "gateway/jobs/job_context.h"
#include "limbeck/v1/job.pb.h"

namespace limbeck::gateway {

// Temperature scaling on the validation rows that have gold and a usable answer, clean variant
// only, at most kMaxCalibrationRows; these rows are never trained on and never part of the verdict.
// Temperature 1 where there are fewer than kMinCalibrationRows. The job's harvest is over. Errors
// are those of reading datasets and the cache; UNAVAILABLE when it went away: call again.
absl::StatusOr<v1::ClassifyTask::Calibration> Calibrate(const JobContext& context,
                                                        const v1::JobSpec& spec);

inline constexpr uint32_t kMinCalibrationRows = 20;
inline constexpr uint32_t kMaxCalibrationRows = 10'000;

}  // namespace limbeck::gateway
