// What is asked of a teacher, how patiently, and how it ends.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <variant>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "base/backoff.h"
#include "base/http/transport.h"
#include "gateway/dispatch/circuit_breaker.h"
#include "gateway/dispatch/retry_budget.h"
#include "gateway/limits/fair_queue.h"
#include "gateway/teachers/teacher.h"

namespace limbeck::gateway {

struct RetryPolicy {
  // Tries that ended in a fault; 429s are counted apart.
  uint32_t max_tries = 5;
  uint32_t max_rate_limited_tries = 50;
  // Tries whose answer was served and unreadable.
  uint32_t max_garbled_tries = 2;
  BackoffPolicy backoff{.initial = absl::Milliseconds(500), .max = absl::Seconds(8)};
  // A fault that asks for a longer wait than this ends the call. A 429 waits with the pool.
  absl::Duration max_wait = absl::Minutes(2);
  RetryBudgetOptions budget;
};

struct DispatchOptions {
  RetryPolicy retry;
  CircuitBreakerOptions breaker;
  // Second tries beside a slow first one, as a part of the first tries that ask for it.
  RetryBudgetOptions hedges{.ratio = 0.05, .initial = 0, .advance_per_second = 0, .max_saved = 10};
  // Calls accepted and not yet ended; further ones are refused.
  size_t max_calls = 100'000;
  // Seeds the jitter; two gateways should differ.
  uint64_t jitter_seed = 1;
};

// How one call ended.
struct CallOutcome {
  std::variant<cache::SoftOutput, Failure> result;
  // The answers behind the first, where the query wanted several (Provider::ParseFurther).
  std::vector<cache::SoftOutput> further;
  uint32_t tries = 0;
  // Tries that may have been billed without giving a usable answer, the last one included.
  uint32_t ambiguous_tries = 0;
  // Of the last try, from sending to the whole answer; zero when nothing was sent.
  absl::Duration took;

  bool ok() const { return std::holds_alternative<cache::SoftOutput>(result); }
};

struct Call {
  TeacherQuery query;
  // For whom. Calls of different jobs that wait for one pool share it by weight.
  Share share;
  // From Ask to `done`; the last try is cut to what is left.
  absl::Duration timeout = absl::Minutes(30);
  // Called before a further try when the one before (counted from 1) may have been billed. It makes
  // that durable; anything but OK ends the call. May block. Without it such a call ends at once.
  std::function<absl::Status(uint32_t attempt)> on_ambiguous;
  // A second try beside a first one that takes longer than `hedge_after`, where the pool has room
  // to spare. `on_hedge` is called before it is sent: it books one of the two as a try that may be
  // billed without an answer and reserves anew for the other; anything but OK and nothing is sent.
  // May block, and may run while the first try's answer comes in. Never hedged without both.
  absl::Duration hedge_after = absl::InfiniteDuration();
  std::function<absl::Status(uint32_t attempt)> on_hedge;
  // Called with every complete answer of the teacher before it is read, of each try. Must not
  // block. May be null.
  std::function<void(const http::Response&)> on_response;
  // Called exactly once, without locks held; must not block for long.
  std::function<void(CallOutcome)> done;
};

struct DispatchState {
  size_t waiting = 0;    // Accepted, not on the way.
  size_t in_flight = 0;  // On the way, or being read.
  bool circuit_open = false;
  // Why the teacher is stopped, if it is.
  std::optional<Failure> stopped;
  // The rest of a wait that the provider imposed on the whole pool.
  absl::Duration parked_for;
  // Calls that were on the wire at GiveUp, and may be billed.
  uint64_t given_up = 0;
};

}  // namespace limbeck::gateway
