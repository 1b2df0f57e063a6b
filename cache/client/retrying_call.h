// One idempotent unary call with deadline and attempts.
#pragma once

#include <grpcpp/client_context.h>

#include <algorithm>
#include <chrono>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/backoff.h"
#include "base/clock.h"
#include "base/grpc/status_codec.h"
#include "base/hash.h"
#include "cache/client/grpc_cache_client.h"

namespace limbeck::cache {

// 16 random bytes, to tell attempts of one call from other calls.
inline std::string NewRequestId() { return HexEncode(RandomBytes(16)); }

// Whether another attempt may succeed.
inline bool IsTransient(const absl::Status& status) {
  return absl::IsUnavailable(status) || absl::IsDeadlineExceeded(status);
}

// `attempt` is given a context and makes the call: grpc::Status(grpc::ClientContext*). It may be
// called many times and must not keep parts of an earlier answer.
template <typename Attempt>
absl::Status CallWithRetries(const CacheClientOptions& options, std::string_view method,
                             Attempt attempt) {
  const SteadyTime end = options.clock->Now() + options.deadline;
  uint64_t seed = 0;
  for (const char byte : RandomBytes(8)) seed = seed << 8 | static_cast<unsigned char>(byte);
  Backoff backoff(options.backoff, StableRandom(seed, 0));
  absl::Status status;
  for (int attempts = 1;; ++attempts) {
    const absl::Duration left = end - options.clock->Now();
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() +
                         absl::ToChronoMilliseconds(std::min(left, options.attempt_timeout)));
    context.set_wait_for_ready(true);
    status = rpc::FromGrpc(attempt(&context));
    if (!IsTransient(status)) return status;
    const absl::Duration delay = backoff.Next();
    if (end - options.clock->Now() <= delay) {
      return absl::UnavailableError(absl::StrCat("the cache did not answer ", ToAbsl(method),
                                                 " within ", absl::FormatDuration(options.deadline),
                                                 " (", attempts, " attempts): ", status.message()));
    }
    options.clock->SleepFor(delay);
  }
}

}  // namespace limbeck::cache
