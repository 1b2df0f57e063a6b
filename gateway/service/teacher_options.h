// The part of a teacher's configuration that only some provider kinds have.
#pragma once

#include <vector>

#include "base/error_details.h"
#include "gateway/teachers/teacher.h"
#include "limbeck/v1/config.pb.h"

namespace limbeck::gateway {

// Copies the options of `teacher` into `config`. Returns what is wrong with them by themselves,
// with field names relative to the teacher; what a kind finds wrong says Provider::CheckConfig.
std::vector<FieldViolation> SetTeacherOptions(const v1::TeacherConfig& teacher,
                                              TeacherConfig* config);

}  // namespace limbeck::gateway
