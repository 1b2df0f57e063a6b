// Everything that limits one upstream account, asked as one question.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "base/metrics/metrics.h"
#include "gateway/limits/adaptive_concurrency.h"
#include "gateway/limits/fair_clock.h"
#include "gateway/limits/pool_metrics.h"
#include "gateway/limits/quota.h"
#include "gateway/limits/server_allowance.h"
#include "gateway/limits/token_bucket.h"
#include "gateway/limits/turns.h"

namespace limbeck::gateway {

// How a pool stands, for people, metrics and tests.
struct QuotaPoolState {
  uint32_t in_use = 0;
  uint32_t concurrency_limit = 0;
  // Wait that the provider asked for and that is not over; zero when there is none.
  absl::Duration parked_for;
  uint64_t rate_limited = 0;  // 429s since the start.
  // Nothing but 429s came since the pool last cut: one call at a time finds out whether it is over.
  bool storm = false;
  struct Balance {
    QuotaLimit limit;
    int64_t left = 0;  // Negative is debt.
  };
  std::vector<Balance> balances;
};

// What a shared pool's gateway holds and wants, limit by limit in the order of AllLimits.
struct QuotaDemand {
  std::vector<int64_t> left;    // Of the grant; negative is debt.
  std::vector<int64_t> wanted;  // Largest estimate that was refused for want of it.
  uint32_t in_use = 0;
  bool slots_wanted = false;  // A call was refused for want of a slot.
  absl::Duration parked_for;
};

// Thread-safe. Never blocks and never sleeps.
class QuotaPool {
 public:
  // `clock` is borrowed and must outlive the pool; so is `registry`, which may be null.
  QuotaPool(const QuotaPoolOptions& options, Clock* clock, metrics::Registry* registry = nullptr);

  struct Admission {
    bool admitted = false;
    uint64_t lease = 0;  // When admitted: to be settled exactly once.
    // When not admitted: not before this time. Absent when only the end of another call, another
    // member's turn or a further grant can make room; listeners hear of these.
    std::optional<SteadyTime> try_at;
  };

  // Reserves one request, its slot and `estimate`, an upper bound; all or nothing. A refused call
  // of a member keeps its turn until it is admitted or given up (Leave).
  Admission Admit(const TokenCount& estimate, const Place& place = {});

  // Admits only where there is room to spare: half of the slots and half of every burst stay free,
  // and no 429 came of late. For calls that nobody misses.
  Admission AdmitSpare(const TokenCount& estimate);

  // Ends a lease. `actual` counts for kAnswered only; use beyond the estimate becomes debt.
  void Settle(uint64_t lease, CallEnd end, const TokenCount& actual, const QuotaHints& hints);

  // Joins with a listener that is called when there may be room: after every Settle and when a turn
  // is handed over; never with the pool's lock held. A listener must only wake its owner: it may
  // not call the pool. Part ends it; after that it is not called again.
  uint64_t Join(std::function<void()> listener);
  void Part(uint64_t member);
  // The member has nothing to ask at present, so others need not wait for it.
  void Leave(uint64_t member);

  const std::string& name() const { return options_.name; }
  const QuotaPoolOptions& options() const { return options_; }
  FairClock* fair_clock() { return &fair_clock_; }
  QuotaPoolState state() const;
  // QuotaPoolState::storm alone.
  bool in_storm() const;

  // For shared pools: what is wanted since the last grant.
  QuotaDemand Demand() const;
  // `tokens` are added to what is granted, in the order of AllLimits; negative takes back. `slots`
  // replaces their number. Nothing is admitted from `until` on. Listeners are told, so that calls
  // which it does not serve state their demand again.
  void Grant(const std::vector<int64_t>& tokens, uint32_t slots, SteadyTime until);
  // As if the provider had asked for it.
  void Park(absl::Duration duration);

 private:
  static constexpr size_t kKinds = 4;
  // Rounds of 429s from which on the pool is in a storm.
  static constexpr uint32_t kStormRounds = 2;
  using Counts = std::array<int64_t, kKinds>;
  struct Lease {
    TokenCount estimate;
    uint64_t epoch = 0;
    // What had been issued when the call was: the provider's answer to it has counted that much.
    Counts issued = {};
  };
  struct Limit {
    QuotaLimit limit;
    TokenBucket bucket;
    int64_t granted = 0;
    int64_t wanted = 0;
    metrics::Gauge balance;
  };

  Admission Refused(const Place& place, std::optional<SteadyTime> try_at)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  Admission Take(const TokenCount& estimate, SteadyTime now) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // When all counts allow `estimate`; absent when a grant is wanting.
  std::optional<SteadyTime> WhenAllowed(const TokenCount& estimate, SteadyTime now)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  bool HasSlot(SteadyTime now) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  bool HasRoomToSpare(const TokenCount& estimate, SteadyTime now)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  int64_t LeftOf(Limit& limit, SteadyTime now) const;
  void TakeTokens(const TokenCount& tokens, bool request, SteadyTime now)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void Learn(const Lease& lease, bool probe, CallEnd end, const QuotaHints& hints, SteadyTime now)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void ApplyHints(const Lease& lease, const QuotaHints& hints, SteadyTime now)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // The pause after a 429 that says the account is used up.
  absl::Duration PauseOfExhaustion(bool probe, absl::Duration asked, absl::Duration exhausted_for)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void PauseFor(absl::Duration duration, SteadyTime now) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void ShowMetrics(SteadyTime now) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void Wake(const std::vector<uint64_t>& members);

  const QuotaPoolOptions options_;
  Clock* const clock_;
  const PoolMetrics metrics_;
  FairClock fair_clock_;
  mutable absl::Mutex mu_;
  mutable std::vector<Limit> limits_ ABSL_GUARDED_BY(mu_);
  std::array<ServerAllowance, kKinds> allowances_ ABSL_GUARDED_BY(mu_);
  Counts issued_ ABSL_GUARDED_BY(mu_) = {};
  AdaptiveConcurrency concurrency_ ABSL_GUARDED_BY(mu_);
  SteadyTime paused_until_ ABSL_GUARDED_BY(mu_);
  SteadyTime calm_until_ ABSL_GUARDED_BY(mu_);
  // Rounds of calls in a row that ended with 429.
  uint32_t rounds_limited_ ABSL_GUARDED_BY(mu_) = 0;
  // The provider said that the account is used up, and one more call is to find out.
  bool doubts_exhaustion_ ABSL_GUARDED_BY(mu_) = false;
  // In a storm: the one call that finds out.
  uint64_t probe_ ABSL_GUARDED_BY(mu_) = 0;
  uint64_t rate_limited_ ABSL_GUARDED_BY(mu_) = 0;
  // Shared pools only.
  uint32_t slots_ ABSL_GUARDED_BY(mu_) = 0;
  bool slots_wanted_ ABSL_GUARDED_BY(mu_) = false;
  SteadyTime granted_until_ ABSL_GUARDED_BY(mu_);
  uint64_t next_lease_ ABSL_GUARDED_BY(mu_) = 1;
  absl::flat_hash_map<uint64_t, Lease> leases_ ABSL_GUARDED_BY(mu_);
  Turns turns_ ABSL_GUARDED_BY(mu_);
  SteadyTime show_at_ ABSL_GUARDED_BY(mu_);

  absl::Mutex listeners_mu_;
  uint64_t next_member_ ABSL_GUARDED_BY(listeners_mu_) = 1;
  std::vector<std::pair<uint64_t, std::function<void()>>> listeners_ ABSL_GUARDED_BY(listeners_mu_);
};

}  // namespace limbeck::gateway
