#include "trainer/checkpoints/cadence.h"

#include <gtest/gtest.h>

namespace limbeck::trainer {
namespace {

constexpr CheckpointCadence kCadence = {
    .steps = 10, .min_interval = absl::Seconds(5), .max_interval = absl::Seconds(60)};

TEST(CheckpointTimerTest, NeedsTheStepsAndTheTime) {
  FakeClock clock;
  CheckpointTimer timer(kCadence, &clock, 100);
  EXPECT_FALSE(timer.Due(1000));
  clock.Advance(absl::Milliseconds(4999));
  EXPECT_FALSE(timer.Due(1000));
  clock.Advance(absl::Milliseconds(1));
  EXPECT_FALSE(timer.Due(109));
  EXPECT_TRUE(timer.Due(110));
  timer.Saved(110);
  EXPECT_FALSE(timer.Due(120));
  clock.Advance(absl::Seconds(5));
  EXPECT_FALSE(timer.Due(119));
  EXPECT_TRUE(timer.Due(120));
}

TEST(CheckpointTimerTest, SlowStepsAreSavedByTimeAlone) {
  FakeClock clock;
  CheckpointTimer timer(kCadence, &clock, 0);
  clock.Advance(absl::Seconds(59));
  EXPECT_FALSE(timer.Due(1));
  clock.Advance(absl::Seconds(1));
  EXPECT_TRUE(timer.Due(1));
  EXPECT_FALSE(timer.Due(0)) << "there is nothing new to save";
}

TEST(CheckpointTimerTest, ASteppedWallClockChangesNothing) {
  FakeClock clock;
  const CheckpointTimer timer(kCadence, &clock, 0);
  clock.JumpWall(absl::Hours(1));
  EXPECT_FALSE(timer.Due(50));
}

TEST(CheckpointTimerTest, WithoutATimeStepsDecideAlone) {
  FakeClock clock;
  const CheckpointTimer timer({.steps = 5, .min_interval = absl::ZeroDuration()}, &clock, 0);
  EXPECT_FALSE(timer.Due(4));
  EXPECT_TRUE(timer.Due(5));
}

}  // namespace
}  // namespace limbeck::trainer
