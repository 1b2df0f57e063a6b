// Inner structs of TeacherScheduler, shared by its source files.
#pragma once

#include <algorithm>
#include <atomic>
#include <memory>
#include <optional>
#include <utility>

#include "base/backoff.h"
#include "base/clock.h"
#include "gateway/dispatch/teacher_scheduler.h"
#include "gateway/teachers/cost.h"

namespace limbeck::gateway {

// Queued or on the way it belongs to the scheduler's lock; between the end of its last open try and
// the next it belongs to the thread that handles that end.
struct TeacherScheduler::Pending {
  Pending(Call call_in, SteadyTime deadline_in, Backoff backoff_in)
      : call(std::move(call_in)),
        deadline(deadline_in),
        estimate(EstimateTokens(call.query)),
        backoff(std::move(backoff_in)) {}

  // What it counts in the order of calls.
  double cost() const { return static_cast<double>(estimate.input + estimate.output); }

  Call call;
  const SteadyTime deadline;
  const TokenCount estimate;
  Backoff backoff;
  FlowPtr flow;
  uint32_t tries = 0;
  uint32_t rate_limited = 0;
  uint32_t garbled = 0;
  uint32_t ambiguous = 0;
  // Of the try that decided the call, or the last one.
  absl::Duration took;
  // Why the last try failed; what the call ends with if its deadline comes first.
  std::optional<Failure> last_failure;
  // Ended, or on the way, and so not to be touched by deadlines.
  bool ended = false;
  bool on_the_way = false;
  // Tries that may still answer, a hedge that is being booked included.
  uint32_t open = 0;
  bool hedged = false;
  // Ends what is open: the scheduler's flag, or, where there may be two tries, one of its own that
  // ends the other once one has decided.
  std::shared_ptr<std::atomic<bool>> unwanted;
  // An answer came; what is still open is of no use, and no longer counts.
  bool decided = false;
  uint32_t tries_told = 0;
  uint32_t ambiguous_told = 0;
  // Of the open tries: those that ended and may have been billed, those already booked as such.
  uint32_t billed = 0;
  uint32_t booked = 0;
};

// One request on the way.
struct TeacherScheduler::Try {
  PendingPtr call;
  uint64_t lease = 0;
  bool hedge = false;
  bool retry = false;
  SteadyTime sent;
};

}  // namespace limbeck::gateway
