#include "base/clock.h"

#include <chrono>

#include "absl/time/clock.h"

namespace limbeck {
namespace {

class RealClock : public Clock {
 public:
  SteadyTime Now() const override {
    return {absl::FromChrono(std::chrono::steady_clock::now().time_since_epoch())};
  }
  absl::Time WallNow() const override { return absl::Now(); }
  void SleepFor(absl::Duration duration) override { absl::SleepFor(duration); }
};

}  // namespace

Clock* Clock::Real() {
  static RealClock* const clock = new RealClock;
  return clock;
}

SteadyTime FakeClock::Now() const {
  absl::MutexLock lock(&mu_);
  return {steady_};
}

absl::Time FakeClock::WallNow() const {
  absl::MutexLock lock(&mu_);
  return wall_;
}

void FakeClock::SleepFor(absl::Duration duration) {
  absl::MutexLock lock(&mu_);
  const absl::Duration due = steady_ + duration;
  auto reached = [this, due]() ABSL_SHARED_LOCKS_REQUIRED(mu_) { return steady_ >= due; };
  mu_.Await(absl::Condition(&reached));
}

void FakeClock::Advance(absl::Duration duration) {
  absl::MutexLock lock(&mu_);
  steady_ += duration;
  wall_ += duration;
}

void FakeClock::JumpWall(absl::Duration duration) {
  absl::MutexLock lock(&mu_);
  wall_ += duration;
}

}  // namespace limbeck
