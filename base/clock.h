// Time, injected. Steady time (leases, deadlines, rate limits) and wall time (what is shown and
// stored) are distinct types, so that a clock jump cannot shorten a lease.
#pragma once

#include <functional>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"

namespace limbeck {

// A point on the monotonic clock of this process. Not comparable between processes or restarts.
struct SteadyTime {
  absl::Duration since_start;

  friend bool operator==(SteadyTime a, SteadyTime b) { return a.since_start == b.since_start; }
  friend bool operator<(SteadyTime a, SteadyTime b) { return a.since_start < b.since_start; }
  friend bool operator<=(SteadyTime a, SteadyTime b) { return a.since_start <= b.since_start; }
  friend bool operator>(SteadyTime a, SteadyTime b) { return b < a; }
  friend bool operator>=(SteadyTime a, SteadyTime b) { return b <= a; }
  friend SteadyTime operator+(SteadyTime t, absl::Duration d) { return {t.since_start + d}; }
  friend absl::Duration operator-(SteadyTime a, SteadyTime b) {
    return a.since_start - b.since_start;
  }
};

// Thread-safe.
class Clock {
 public:
  virtual ~Clock() = default;
  virtual SteadyTime Now() const = 0;
  virtual absl::Time WallNow() const = 0;
  // Blocks the calling thread; a FakeClock returns once its time was advanced far enough.
  virtual void SleepFor(absl::Duration duration) = 0;

  // The process's real clock; never destroyed.
  static Clock* Real();
};

// A clock that moves only when told to. Thread-safe.
class FakeClock : public Clock {
 public:
  explicit FakeClock(absl::Time wall = absl::FromUnixSeconds(1'700'000'000)) : wall_(wall) {}

  SteadyTime Now() const override;
  absl::Time WallNow() const override;
  void SleepFor(absl::Duration duration) override;

  // Moves both clocks forward and wakes sleepers.
  void Advance(absl::Duration duration);
  // Moves wall time alone, as an administrator or NTP would.
  void JumpWall(absl::Duration duration);

 private:
  mutable absl::Mutex mu_;
  absl::Duration steady_ ABSL_GUARDED_BY(mu_);
  absl::Time wall_ ABSL_GUARDED_BY(mu_);
};

}  // namespace limbeck
