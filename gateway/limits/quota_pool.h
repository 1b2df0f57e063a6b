// Everything that limits one upstream account, asked as one question.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "gateway/limits/adaptive_concurrency.h"
#include "gateway/limits/token_bucket.h"

namespace limbeck::gateway {

struct QuotaPoolOptions {
  std::string name;
  // 0: unlimited.
  int64_t requests_per_minute = 0;
  int64_t input_tokens_per_minute = 0;
  int64_t output_tokens_per_minute = 0;
  uint32_t max_concurrent = 256;
  // Retry-After and resets beyond this are cut to it: the pool asks again instead of parking for
  // a day on one header.
  absl::Duration max_pause = absl::Minutes(10);
  // The pause after a 429 without a hint.
  absl::Duration default_pause = absl::Seconds(2);
};

struct TokenCount {
  int64_t input = 0;
  int64_t output = 0;
};

// What an answer's headers say about the account. Absent fields say nothing.
struct QuotaHints {
  std::optional<absl::Duration> retry_after;
  std::optional<int64_t> remaining_requests;
  std::optional<int64_t> remaining_input_tokens;
  std::optional<int64_t> remaining_output_tokens;
  // Until the corresponding count is full again; used when it is 0.
  std::optional<absl::Duration> reset_requests;
  std::optional<absl::Duration> reset_tokens;
};

enum class CallEnd {
  kNotSent,      // Nothing left: all that was reserved comes back.
  kAnswered,     // Settled to `actual`.
  kRateLimited,  // 429: tokens come back, the request does not, the pool pauses.
  kFailed        // Anything else: the reservation stays spent.
};

// Thread-safe. Never blocks and never sleeps.
class QuotaPool {
 public:
  // `clock` is borrowed and must outlive the pool.
  QuotaPool(const QuotaPoolOptions& options, Clock* clock);

  struct Admission {
    bool admitted = false;
    uint64_t lease = 0;  // When admitted: to be settled exactly once.
    // When not admitted: not before this time. Absent when only the end of another call can make
    // room.
    std::optional<SteadyTime> try_at;
  };

  // Reserves one request, its slot and `estimate`, an upper bound; all or nothing.
  Admission Admit(const TokenCount& estimate);

  // Ends a lease. `actual` counts for kAnswered only; use beyond the estimate becomes debt.
  void Settle(uint64_t lease, CallEnd end, const TokenCount& actual, const QuotaHints& hints);

  // Called after every Settle, outside the lock, so that whoever waits for room may ask again. A
  // listener must only wake its owner: it may not call the pool. The returned id removes it; after
  // RemoveListener returned it is not called again.
  uint64_t AddListener(std::function<void()> listener);
  void RemoveListener(uint64_t id);

  const std::string& name() const { return options_.name; }
  // For metrics and tests.
  uint32_t in_use() const;
  uint32_t concurrency_limit() const;
  TokenCount balance() const;

 private:
  struct Lease {
    TokenCount estimate;
    uint64_t epoch = 0;
  };

  void ApplyHints(const QuotaHints& hints, SteadyTime now) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void PauseFor(absl::Duration duration, SteadyTime now) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  const QuotaPoolOptions options_;
  Clock* const clock_;
  mutable absl::Mutex mu_;
  mutable TokenBucket requests_ ABSL_GUARDED_BY(mu_);
  mutable TokenBucket input_ ABSL_GUARDED_BY(mu_);
  mutable TokenBucket output_ ABSL_GUARDED_BY(mu_);
  AdaptiveConcurrency concurrency_ ABSL_GUARDED_BY(mu_);
  SteadyTime paused_until_ ABSL_GUARDED_BY(mu_);
  uint64_t next_lease_ ABSL_GUARDED_BY(mu_) = 1;
  absl::flat_hash_map<uint64_t, Lease> leases_ ABSL_GUARDED_BY(mu_);

  absl::Mutex listeners_mu_;
  uint64_t next_listener_ ABSL_GUARDED_BY(listeners_mu_) = 1;
  std::vector<std::pair<uint64_t, std::function<void()>>> listeners_ ABSL_GUARDED_BY(listeners_mu_);
};

}  // namespace limbeck::gateway
