// The verdict's evidence: student, teacher and gold on the held-out rows.
#pragma once

#include <vector>

#include "absl/status/statusor.h"
#include "base/clock.h"
#include "limbeck/v1/report.pb.h"
#include "limbeck/v1/worker_service.pb.h"
#include "trainer/checkpoints/checkpoint.h"
#include "trainer/data/teacher_row.h"
#include "trainer/students/student.h"

namespace limbeck::trainer {

v1::LearningPoint ToLearningPoint(const CurvePoint& point);

// Runs the student over `rows`, measures its speed on one thread and makes the report. `threads` is
// what the arithmetic goes back to afterwards. INVALID_ARGUMENT when a row has no gold label.
absl::StatusOr<v1::AcceptanceReport> EvaluateHeldOut(const v1::WorkResponse::Assignment& assignment,
                                                     int threads,
                                                     const std::vector<CurvePoint>& curve,
                                                     const std::vector<TeacherRow>& rows,
                                                     Student* student, Clock* clock);

}  // namespace limbeck::trainer
