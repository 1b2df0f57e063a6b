#include "gateway/teachers/permission.h"

#include "absl/strings/str_cat.h"
#include "base/error_details.h"

namespace limbeck::gateway {

absl::Status CheckTrainingUse(const TeacherConfig& config) {
  if (config.training_use.has_value() && !config.training_use->basis.empty()) {
    return absl::OkStatus();
  }
  return WithReason(
      absl::FailedPreconditionError(absl::StrCat(
          "teacher ", config.name,
          " has no declared training_use: its output may be used for evaluation, not for "
          "training. The operator can declare a basis (own model, open licence, provider's "
          "distillation programme, written consent) in the teacher's configuration.")),
      "TEACHER_FORBIDS_TRAINING", {{"teacher", config.name}});
}

}  // namespace limbeck::gateway
