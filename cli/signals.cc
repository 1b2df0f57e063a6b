#include "cli/signals.h"

#include <pthread.h>

#include <algorithm>

namespace limbeck::cli {
namespace {

// sigtimedwait refuses what does not fit a timespec; waking up now and then costs nothing.
constexpr absl::Duration kLongestWait = absl::Hours(1);

}  // namespace

SignalWaiter::SignalWaiter(const std::vector<int>& signals) {
  sigemptyset(&set_);
  for (const int signal : signals) sigaddset(&set_, signal);
  pthread_sigmask(SIG_BLOCK, &set_, &before_);
}

SignalWaiter::~SignalWaiter() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

std::optional<int> SignalWaiter::Wait(absl::Duration timeout) {
  const timespec wait = absl::ToTimespec(std::clamp(timeout, absl::ZeroDuration(), kLongestWait));
  const int signal = sigtimedwait(&set_, nullptr, &wait);
  if (signal < 0) return std::nullopt;
  return signal;
}

}  // namespace limbeck::cli
