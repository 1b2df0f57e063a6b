// What a pool shows of itself, and what it is granted where several gateways share it.
#include <algorithm>

#include "gateway/limits/quota_pool.h"

namespace limbeck::gateway {
namespace {

// Gauges are written at most this often, and when the pool falls idle.
constexpr absl::Duration kShowInterval = absl::Milliseconds(200);

}  // namespace

QuotaPoolState QuotaPool::state() const {
  absl::MutexLock lock(&mu_);
  const SteadyTime now = clock_->Now();
  QuotaPoolState state;
  state.in_use = concurrency_.in_use();
  state.concurrency_limit = concurrency_.limit();
  if (options_.shared) state.concurrency_limit = std::min(state.concurrency_limit, slots_);
  state.parked_for = std::max(absl::ZeroDuration(), paused_until_ - now);
  state.rate_limited = rate_limited_;
  state.storm = rounds_limited_ >= kStormRounds;
  for (Limit& limit : limits_) state.balances.push_back({limit.limit, LeftOf(limit, now)});
  return state;
}

bool QuotaPool::in_storm() const {
  absl::MutexLock lock(&mu_);
  return rounds_limited_ >= kStormRounds;
}

void QuotaPool::ShowMetrics(SteadyTime now) {
  show_at_ = now + kShowInterval;
  metrics_.in_flight.Set(concurrency_.in_use());
  metrics_.concurrency.Set(concurrency_.limit());
  const absl::Duration parked = paused_until_ - now;
  metrics_.parked_until.Set(
      parked > absl::ZeroDuration()
          ? absl::ToDoubleSeconds(clock_->WallNow() + parked - absl::UnixEpoch())
          : 0);
  for (Limit& limit : limits_) limit.balance.Set(static_cast<double>(LeftOf(limit, now)));
}

QuotaDemand QuotaPool::Demand() const {
  absl::MutexLock lock(&mu_);
  QuotaDemand demand;
  for (const Limit& limit : limits_) {
    demand.left.push_back(limit.granted);
    demand.wanted.push_back(limit.wanted);
  }
  demand.in_use = concurrency_.in_use();
  demand.slots_wanted = slots_wanted_;
  demand.parked_for = std::max(absl::ZeroDuration(), paused_until_ - clock_->Now());
  return demand;
}

void QuotaPool::Grant(const std::vector<int64_t>& tokens, uint32_t slots, SteadyTime until) {
  {
    absl::MutexLock lock(&mu_);
    for (size_t i = 0; i < std::min(tokens.size(), limits_.size()); ++i) {
      limits_[i].granted += tokens[i];
    }
    for (Limit& limit : limits_) limit.wanted = 0;
    slots_wanted_ = false;
    slots_ = slots;
    granted_until_ = until;
    ShowMetrics(clock_->Now());
  }
  absl::ReaderMutexLock lock(&listeners_mu_);
  for (const auto& [id, listener] : listeners_) listener();
}

void QuotaPool::Park(absl::Duration duration) {
  absl::MutexLock lock(&mu_);
  PauseFor(duration, clock_->Now());
}

}  // namespace limbeck::gateway
