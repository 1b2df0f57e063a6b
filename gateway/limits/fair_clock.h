// Virtual time of one pool: how much of their shares its jobs have had.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"

namespace limbeck::gateway {

// Shared by the queues of all teachers of a pool, so that their calls can be put in one order.
// Thread-safe.
class FairClock {
 public:
  // A team's jobs share what the team is due.
  struct Team {
    // Thousandths of the weights of its jobs that have calls waiting.
    std::atomic<int64_t> active{0};
  };

  // Lives as long as the clock.
  Team* TeamOf(std::string_view name) {
    absl::MutexLock lock(&mu_);
    const auto found = teams_.find(name);
    return found != teams_.end() ? &found->second : &teams_[std::string(name)];
  }

  double now() const { return now_.load(std::memory_order_relaxed); }
  void AdvanceTo(double start) {
    double seen = now();
    while (start > seen && !now_.compare_exchange_weak(seen, start, std::memory_order_relaxed)) {
    }
  }

 private:
  std::atomic<double> now_{0};
  absl::Mutex mu_;
  std::map<std::string, Team, std::less<>> teams_ ABSL_GUARDED_BY(mu_);
};

}  // namespace limbeck::gateway
