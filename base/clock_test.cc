#include "base/clock.h"

#include <gtest/gtest.h>

#include <thread>

#include "absl/synchronization/notification.h"

namespace limbeck {
namespace {

TEST(FakeClockTest, WallJumpLeavesSteadyTimeAlone) {
  FakeClock clock;
  const SteadyTime before = clock.Now();
  const absl::Time wall = clock.WallNow();
  clock.JumpWall(absl::Hours(-24));
  EXPECT_EQ(clock.Now(), before);
  EXPECT_EQ(clock.WallNow(), wall - absl::Hours(24));
}

TEST(FakeClockTest, SleepEndsWhenTimeIsAdvancedFarEnough) {
  FakeClock clock;
  absl::Notification woke;
  std::thread sleeper([&] {
    clock.SleepFor(absl::Seconds(5));
    woke.Notify();
  });
  // The sleeper reads the time when it starts, which may be after any of these advances.
  while (!woke.HasBeenNotified()) clock.Advance(absl::Seconds(5));
  sleeper.join();
  EXPECT_GE(clock.Now() - SteadyTime{}, absl::Seconds(5));
}

TEST(RealClockTest, SteadyTimeDoesNotGoBack) {
  const SteadyTime a = Clock::Real()->Now();
  EXPECT_LE(a, Clock::Real()->Now());
}

}  // namespace
}  // namespace limbeck
