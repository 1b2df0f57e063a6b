#include "gateway/jobs/state_machine.h"

#include <gtest/gtest.h>

#include "absl/strings/match.h"

namespace limbeck::gateway {
namespace {

TEST(StateMachineTest, AllowsTheWholeWayOfAJobThatSucceeds) {
  EXPECT_TRUE(CheckTransition(v1::JOB_STATE_QUEUED, v1::JOB_STATE_RUNNING).ok());
  EXPECT_TRUE(CheckTransition(v1::JOB_STATE_RUNNING, v1::JOB_STATE_PAUSED).ok());
  EXPECT_TRUE(CheckTransition(v1::JOB_STATE_PAUSED, v1::JOB_STATE_QUEUED).ok());
  EXPECT_TRUE(CheckTransition(v1::JOB_STATE_RUNNING, v1::JOB_STATE_SUCCEEDED).ok());
}

TEST(StateMachineTest, TerminalStatesCannotBeLeft) {
  for (const v1::JobState from :
       {v1::JOB_STATE_SUCCEEDED, v1::JOB_STATE_FAILED, v1::JOB_STATE_CANCELLED}) {
    EXPECT_TRUE(IsTerminal(from));
    for (int to = v1::JobState_MIN; to <= v1::JobState_MAX; ++to) {
      if (to == from) continue;
      EXPECT_EQ(CheckTransition(from, static_cast<v1::JobState>(to)).code(),
                absl::StatusCode::kFailedPrecondition)
          << StateName(from) << " to " << to;
    }
  }
}

TEST(StateMachineTest, RefusalSaysWhereTheJobIsAndFromWhereItCouldGo) {
  const absl::Status status = CheckTransition(v1::JOB_STATE_SUCCEEDED, v1::JOB_STATE_PAUSED);
  EXPECT_TRUE(absl::StrContains(status.message(), "SUCCEEDED")) << status;
  EXPECT_TRUE(absl::StrContains(status.message(), "QUEUED, RUNNING")) << status;
}

TEST(StateMachineTest, CancellingOnlyEndsAsCancelled) {
  EXPECT_TRUE(CheckTransition(v1::JOB_STATE_CANCELLING, v1::JOB_STATE_CANCELLED).ok());
  EXPECT_FALSE(CheckTransition(v1::JOB_STATE_CANCELLING, v1::JOB_STATE_RUNNING).ok());
  EXPECT_FALSE(CheckTransition(v1::JOB_STATE_CANCELLING, v1::JOB_STATE_SUCCEEDED).ok());
}

}  // namespace
}  // namespace limbeck::gateway
