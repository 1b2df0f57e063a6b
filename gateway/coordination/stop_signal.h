// A request to stop that can be waited for together with other things.
#pragma once

#include <functional>
#include <map>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"

namespace limbeck::gateway {

// Fires once and stays fired. Thread-safe.
class StopSignal {
 public:
  void Fire() {
    {
      absl::MutexLock lock(&mu_);
      fired_ = true;
    }
    absl::MutexLock lock(&listeners_mu_);
    for (auto& [id, listener] : listeners_) listener();
  }
  bool fired() const {
    absl::MutexLock lock(&mu_);
    return fired_;
  }
  // Waits until fired, at most `timeout`; whether it has.
  bool WaitFor(absl::Duration timeout) {
    absl::MutexLock lock(&mu_);
    return mu_.AwaitWithTimeout(absl::Condition(&fired_), timeout);
  }

  // Called when fired, on the firing thread; must not call back into this object. After
  // RemoveListener returned it is not called any more.
  int AddListener(std::function<void()> listener) {
    absl::MutexLock lock(&listeners_mu_);
    listeners_.emplace(++last_listener_, std::move(listener));
    return last_listener_;
  }
  void RemoveListener(int id) {
    absl::MutexLock lock(&listeners_mu_);
    listeners_.erase(id);
  }

 private:
  mutable absl::Mutex mu_;
  bool fired_ ABSL_GUARDED_BY(mu_) = false;
  absl::Mutex listeners_mu_;
  std::map<int, std::function<void()>> listeners_ ABSL_GUARDED_BY(listeners_mu_);
  int last_listener_ ABSL_GUARDED_BY(listeners_mu_) = 0;
};

}  // namespace limbeck::gateway
