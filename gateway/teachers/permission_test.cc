#include "gateway/teachers/permission.h"

#include <gtest/gtest.h>

#include "base/error_details.h"

namespace limbeck::gateway {
namespace {

TEST(PermissionTest, ATeacherWithoutABasisMayNotBeTrainedOn) {
  TeacherConfig config;
  config.name = "closed";
  for (const bool declared_empty : {false, true}) {
    if (declared_empty) config.training_use = TrainingUse();
    const absl::Status status = CheckTrainingUse(config);
    EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
    ASSERT_TRUE(GetReason(status).has_value());
    EXPECT_EQ(GetReason(status)->reason, "TEACHER_FORBIDS_TRAINING");
    EXPECT_EQ(GetReason(status)->metadata.at("teacher"), "closed");
  }
}

TEST(PermissionTest, ADeclaredBasisPermits) {
  TeacherConfig config;
  config.training_use = TrainingUse{.basis = "own model"};
  EXPECT_TRUE(CheckTrainingUse(config).ok());
}

}  // namespace
}  // namespace limbeck::gateway
