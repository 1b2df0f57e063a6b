// Whether students may be trained on a teacher's output.
#pragma once

#include "absl/status/status.h"
#include "gateway/teachers/teacher.h"

namespace limbeck::gateway {

// OK when the operator declared a basis. Else FAILED_PRECONDITION with the reason
// TEACHER_FORBIDS_TRAINING, naming the teacher and what the operator can do. Queries for evaluation
// need no permission.
absl::Status CheckTrainingUse(const TeacherConfig& config);

}  // namespace limbeck::gateway
