#include "gateway/limits/quota_pool.h"

#include <algorithm>

namespace limbeck::gateway {
namespace {

// A count that came without its reset is believed for this long.
constexpr absl::Duration kUnknownReset = absl::Seconds(10);
constexpr uint32_t kMaxDoublings = 20;

size_t Index(QuotaKind kind) { return static_cast<size_t>(kind); }

}  // namespace

QuotaPool::QuotaPool(const QuotaPoolOptions& options, Clock* clock, metrics::Registry* registry)
    : options_(options),
      clock_(clock),
      metrics_(registry, options.name),
      concurrency_({.max = options.max_concurrent, .start = options.start_concurrent}),
      paused_until_(clock->Now()),
      calm_until_(clock->Now()),
      granted_until_(clock->Now()),
      show_at_(clock->Now()) {
  absl::MutexLock lock(&mu_);
  for (const QuotaLimit& limit : options.AllLimits()) {
    const TokenBucket::Options bucket = {limit.amount, limit.window, limit.burst,
                                         limit.fixed_window};
    limits_.push_back({limit, TokenBucket(bucket, clock->Now()), 0, 0,
                       PoolMetrics::Balance(registry, options.name, limit)});
  }
  ShowMetrics(clock->Now());
}

int64_t QuotaPool::LeftOf(Limit& limit, SteadyTime now) const {
  return options_.shared ? limit.granted : limit.bucket.balance(now);
}

std::optional<SteadyTime> QuotaPool::WhenAllowed(const TokenCount& estimate, SteadyTime now) {
  SteadyTime when = std::max(now, paused_until_);
  for (size_t kind = 0; kind < kKinds; ++kind) {
    const int64_t count = CountOf(static_cast<QuotaKind>(kind), estimate);
    when = std::max(when, allowances_[kind].WhenAvailable(count, now));
  }
  if (!options_.shared) {
    for (Limit& limit : limits_) {
      const int64_t count = CountOf(limit.limit.kind, estimate);
      when = std::max(when, limit.bucket.WhenAvailable(count, now));
    }
    return when;
  }
  bool granted = now < granted_until_;
  slots_wanted_ = slots_wanted_ || !granted;
  for (Limit& limit : limits_) {
    const int64_t count = CountOf(limit.limit.kind, estimate);
    if (limit.granted >= count) continue;
    limit.wanted = std::max(limit.wanted, count);
    granted = false;
  }
  if (granted || when > now) return when;
  return std::nullopt;
}

bool QuotaPool::HasSlot(SteadyTime now) {
  // Nothing but 429s: whether that is over, one call finds out as well as many.
  if (rounds_limited_ >= kStormRounds && probe_ != 0) return false;
  if (!concurrency_.MayStart()) return false;
  if (!options_.shared || concurrency_.in_use() < slots_) return true;
  slots_wanted_ = true;
  return false;
}

void QuotaPool::TakeTokens(const TokenCount& tokens, bool request, SteadyTime now) {
  for (Limit& limit : limits_) {
    const bool counted = limit.limit.kind != QuotaKind::kRequests || request;
    const int64_t count = counted ? CountOf(limit.limit.kind, tokens) : 0;
    if (count == 0) continue;
    if (options_.shared) {
      limit.granted -= count;
    } else {
      limit.bucket.Take(count, now);
    }
  }
}

QuotaPool::Admission QuotaPool::Take(const TokenCount& estimate, SteadyTime now) {
  TakeTokens(estimate, true, now);
  Admission admission;
  admission.admitted = true;
  admission.lease = next_lease_++;
  if (rounds_limited_ >= kStormRounds) probe_ = admission.lease;
  for (size_t kind = 0; kind < kKinds; ++kind) {
    const int64_t count = CountOf(static_cast<QuotaKind>(kind), estimate);
    allowances_[kind].Take(count);
    issued_[kind] += count;
  }
  leases_.emplace(admission.lease, Lease{estimate, concurrency_.Start(), issued_});
  return admission;
}

QuotaPool::Admission QuotaPool::Refused(const Place& place, std::optional<SteadyTime> try_at) {
  if (place.member != 0) turns_.Wait(place, false);
  Admission admission;
  admission.try_at = try_at;
  return admission;
}

QuotaPool::Admission QuotaPool::Admit(const TokenCount& estimate, const Place& place) {
  Admission admission;
  std::vector<uint64_t> wake;
  {
    absl::MutexLock lock(&mu_);
    const SteadyTime now = clock_->Now();
    const std::optional<SteadyTime> when = WhenAllowed(estimate, now);
    if (!when.has_value() || *when > now) return Refused(place, when);
    if (!HasSlot(now)) return Refused(place, std::nullopt);
    if (const uint64_t first = turns_.Before(place); first != 0) {
      turns_.Wait(place, true);
      wake.push_back(first);
    } else {
      admission = Take(estimate, now);
      if (place.member != 0) turns_.Leave(place.member);
      if (turns_.any_yielded()) wake = turns_.TakeYielded();
    }
  }
  if (!wake.empty()) Wake(wake);
  return admission;
}

void QuotaPool::Leave(uint64_t member) {
  std::vector<uint64_t> wake;
  {
    absl::MutexLock lock(&mu_);
    turns_.Leave(member);
    if (turns_.any_yielded()) wake = turns_.TakeYielded();
  }
  if (!wake.empty()) Wake(wake);
}

bool QuotaPool::HasRoomToSpare(const TokenCount& estimate, SteadyTime now) {
  if (now < calm_until_ || rounds_limited_ > 0) return false;
  if (2 * concurrency_.in_use() >= concurrency_.limit()) return false;
  if (options_.shared && 2 * concurrency_.in_use() >= slots_) return false;
  for (Limit& limit : limits_) {
    const int64_t count = CountOf(limit.limit.kind, estimate);
    const int64_t full = options_.shared ? 2 * count : limit.bucket.burst();
    if (LeftOf(limit, now) - count < full / 2) return false;
  }
  return true;
}

QuotaPool::Admission QuotaPool::AdmitSpare(const TokenCount& estimate) {
  absl::MutexLock lock(&mu_);
  const SteadyTime now = clock_->Now();
  const std::optional<SteadyTime> when = WhenAllowed(estimate, now);
  if (!when.has_value() || *when > now || !HasSlot(now)) return {};
  if (!HasRoomToSpare(estimate, now)) return {};
  return Take(estimate, now);
}

void QuotaPool::Settle(uint64_t lease, CallEnd end, const TokenCount& actual,
                       const QuotaHints& hints) {
  {
    absl::MutexLock lock(&mu_);
    const auto found = leases_.find(lease);
    if (found == leases_.end()) return;
    const Lease held = found->second;
    leases_.erase(found);
    const bool probe = lease == probe_;
    if (probe) probe_ = 0;
    const SteadyTime now = clock_->Now();
    TokenCount spent = held.estimate;
    if (end == CallEnd::kAnswered) spent = actual;
    if (end == CallEnd::kNotSent || end == CallEnd::kRateLimited) spent = TokenCount();
    // As one difference, so that a bucket which filled up meanwhile does not lose it.
    TakeTokens({spent.input - held.estimate.input, spent.output - held.estimate.output}, false,
               now);
    if (end == CallEnd::kNotSent) {
      for (Limit& limit : limits_) {
        if (limit.limit.kind != QuotaKind::kRequests) continue;
        if (options_.shared) {
          ++limit.granted;
        } else {
          limit.bucket.Take(-1, now);
        }
      }
    }
    Learn(held, probe, end, hints, now);
    concurrency_.End();
    ApplyHints(held, hints, now);
    if (now >= show_at_ || concurrency_.in_use() == 0) ShowMetrics(now);
  }
  absl::ReaderMutexLock lock(&listeners_mu_);
  for (const auto& [id, listener] : listeners_) listener();
}

void QuotaPool::Learn(const Lease& lease, bool probe, CallEnd end, const QuotaHints& hints,
                      SteadyTime now) {
  switch (end) {
    case CallEnd::kAnswered:
      // An answer to a call from before the last cut says nothing about the present.
      if (concurrency_.IsCurrent(lease.epoch)) {
        rounds_limited_ = 0;
        doubts_exhaustion_ = false;
      }
      concurrency_.OnSuccess(now);
      return;
    case CallEnd::kOverloaded:
      concurrency_.Freeze(now);
      return;
    case CallEnd::kRateLimited: {
      ++rate_limited_;
      metrics_.rate_limited.Add();
      if (concurrency_.IsCurrent(lease.epoch)) ++rounds_limited_;
      calm_until_ = std::max(calm_until_, now + options_.calm_after_429);
      const uint32_t doublings =
          std::min(kMaxDoublings, std::max<uint32_t>(1, rounds_limited_) - 1);
      const absl::Duration own =
          std::min(options_.default_pause * (int64_t{1} << doublings), options_.max_default_pause);
      absl::Duration pause = hints.retry_after.value_or(own);
      // A provider that asks for a second and refuses again and again means more than it says.
      if (rounds_limited_ >= kStormRounds) pause = std::max(pause, own);
      if (hints.exhausted_for.has_value()) {
        pause = PauseOfExhaustion(probe, pause, *hints.exhausted_for);
      }
      // A probe alone on its way says nothing about how many may be.
      if (probe) {
        concurrency_.Freeze(now);
      } else {
        concurrency_.OnRateLimited(lease.epoch, std::min(pause, options_.max_default_pause), now);
      }
      PauseFor(pause, now);
      return;
    }
    case CallEnd::kNotSent:
    case CallEnd::kFailed:
      return;
  }
}

absl::Duration QuotaPool::PauseOfExhaustion(bool probe, absl::Duration asked,
                                            absl::Duration exhausted_for) {
  if (probe && doubts_exhaustion_) {
    // What comes after the pause is a new quota, which may be doubted again.
    doubts_exhaustion_ = false;
    return exhausted_for;
  }
  doubts_exhaustion_ = true;
  // One call at a time from now on.
  rounds_limited_ = std::max(rounds_limited_, kStormRounds);
  return asked;
}

void QuotaPool::PauseFor(absl::Duration duration, SteadyTime now) {
  paused_until_ = std::max(paused_until_, now + std::min(duration, options_.max_pause));
}

void QuotaPool::ApplyHints(const Lease& lease, const QuotaHints& hints, SteadyTime now) {
  if (hints.retry_after.has_value()) PauseFor(*hints.retry_after, now);
  const auto apply =
      [&](QuotaKind kind, const std::optional<int64_t>& remaining,
          const std::optional<absl::Duration>& reset) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
        if (!remaining.has_value() || *remaining < 0) return;
        const absl::Duration lasts = std::min(reset.value_or(kUnknownReset), options_.max_pause);
        // What was issued after this call the provider had not seen when it counted.
        const int64_t unseen = issued_[Index(kind)] - lease.issued[Index(kind)];
        allowances_[Index(kind)].OnHint(*remaining - unseen, now + lasts, now);
      };
  const auto either = [](const std::optional<absl::Duration>& own,
                         const std::optional<absl::Duration>& other) {
    return own.has_value() ? own : other;
  };
  apply(QuotaKind::kRequests, hints.remaining_requests, hints.reset_requests);
  apply(QuotaKind::kInputTokens, hints.remaining_input_tokens,
        either(hints.reset_input_tokens, hints.reset_tokens));
  apply(QuotaKind::kOutputTokens, hints.remaining_output_tokens,
        either(hints.reset_output_tokens, hints.reset_tokens));
  apply(QuotaKind::kTotalTokens, hints.remaining_total_tokens, hints.reset_tokens);
}

uint64_t QuotaPool::Join(std::function<void()> listener) {
  uint64_t member = 0;
  {
    absl::MutexLock lock(&listeners_mu_);
    member = next_member_++;
    listeners_.emplace_back(member, std::move(listener));
  }
  absl::MutexLock lock(&mu_);
  turns_.Add(member);
  return member;
}

void QuotaPool::Part(uint64_t member) {
  Leave(member);
  {
    absl::MutexLock lock(&mu_);
    turns_.Remove(member);
  }
  absl::MutexLock lock(&listeners_mu_);
  std::erase_if(listeners_, [member](const auto& entry) { return entry.first == member; });
}

void QuotaPool::Wake(const std::vector<uint64_t>& members) {
  absl::ReaderMutexLock lock(&listeners_mu_);
  for (const auto& [id, listener] : listeners_) {
    if (std::find(members.begin(), members.end(), id) != members.end()) listener();
  }
}

}  // namespace limbeck::gateway
