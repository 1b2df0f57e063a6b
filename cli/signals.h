// Signals as events that one thread waits for.
#pragma once

#include <signal.h>

#include <optional>
#include <vector>

#include "absl/time/time.h"

namespace limbeck::cli {

// Blocks signals in the calling thread, and so in every thread it starts from then on; make it
// before the first of them. Puts the former mask back in the end.
class SignalWaiter {
 public:
  explicit SignalWaiter(const std::vector<int>& signals);
  ~SignalWaiter();
  SignalWaiter(const SignalWaiter&) = delete;
  SignalWaiter& operator=(const SignalWaiter&) = delete;

  // The next signal; nullopt when none came in `timeout`. May return early without one.
  std::optional<int> Wait(absl::Duration timeout);

 private:
  sigset_t set_;
  sigset_t before_;
};

}  // namespace limbeck::cli
