#include "gateway/limits/quota_pool.h"

#include <algorithm>
#include <utility>

namespace limbeck::gateway {

QuotaPool::QuotaPool(const QuotaPoolOptions& options, Clock* clock)
    : options_(options),
      clock_(clock),
      requests_({.per_minute = options.requests_per_minute}, clock->Now()),
      input_({.per_minute = options.input_tokens_per_minute}, clock->Now()),
      output_({.per_minute = options.output_tokens_per_minute}, clock->Now()),
      concurrency_({.max = options.max_concurrent}),
      paused_until_(clock->Now()) {}

QuotaPool::Admission QuotaPool::Admit(const TokenCount& estimate) {
  absl::MutexLock lock(&mu_);
  const SteadyTime now = clock_->Now();
  Admission admission;
  SteadyTime when = std::max(now, paused_until_);
  when = std::max(when, requests_.WhenAvailable(1, now));
  when = std::max(when, input_.WhenAvailable(estimate.input, now));
  when = std::max(when, output_.WhenAvailable(estimate.output, now));
  if (when > now) {
    admission.try_at = when;
    return admission;
  }
  if (!concurrency_.MayStart()) return admission;
  requests_.Take(1, now);
  input_.Take(estimate.input, now);
  output_.Take(estimate.output, now);
  admission.admitted = true;
  admission.lease = next_lease_++;
  leases_.emplace(admission.lease, Lease{estimate, concurrency_.Start()});
  return admission;
}

void QuotaPool::Settle(uint64_t lease, CallEnd end, const TokenCount& actual,
                       const QuotaHints& hints) {
  {
    absl::MutexLock lock(&mu_);
    const auto found = leases_.find(lease);
    if (found == leases_.end()) return;
    const Lease held = found->second;
    leases_.erase(found);
    const SteadyTime now = clock_->Now();
    TokenCount spent = held.estimate;
    if (end == CallEnd::kAnswered) spent = actual;
    if (end == CallEnd::kNotSent || end == CallEnd::kRateLimited) spent = TokenCount();
    if (end == CallEnd::kNotSent) requests_.Take(-1, now);
    input_.Take(spent.input - held.estimate.input, now);
    output_.Take(spent.output - held.estimate.output, now);
    if (end == CallEnd::kAnswered) concurrency_.OnSuccess();
    if (end == CallEnd::kRateLimited) {
      concurrency_.OnRateLimited(held.epoch);
      PauseFor(hints.retry_after.value_or(options_.default_pause), now);
    }
    concurrency_.End();
    ApplyHints(hints, now);
  }
  absl::ReaderMutexLock lock(&listeners_mu_);
  for (const auto& [id, listener] : listeners_) listener();
}

void QuotaPool::PauseFor(absl::Duration duration, SteadyTime now) {
  paused_until_ = std::max(paused_until_, now + std::min(duration, options_.max_pause));
}

void QuotaPool::ApplyHints(const QuotaHints& hints, SteadyTime now) {
  if (hints.retry_after.has_value()) PauseFor(*hints.retry_after, now);
  // The server has not seen what is still on the way, so its count may be too high, never too low.
  const int64_t on_the_way = concurrency_.in_use();
  if (hints.remaining_requests.has_value() && *hints.remaining_requests >= 0) {
    requests_.Tighten(*hints.remaining_requests - on_the_way, now);
    if (*hints.remaining_requests == 0 && hints.reset_requests.has_value()) {
      PauseFor(*hints.reset_requests, now);
    }
  }
  bool tokens_gone = false;
  if (hints.remaining_input_tokens.has_value() && *hints.remaining_input_tokens >= 0) {
    input_.Tighten(*hints.remaining_input_tokens, now);
    tokens_gone = *hints.remaining_input_tokens == 0;
  }
  if (hints.remaining_output_tokens.has_value() && *hints.remaining_output_tokens >= 0) {
    output_.Tighten(*hints.remaining_output_tokens, now);
    tokens_gone = tokens_gone || *hints.remaining_output_tokens == 0;
  }
  if (tokens_gone && hints.reset_tokens.has_value()) PauseFor(*hints.reset_tokens, now);
}

uint64_t QuotaPool::AddListener(std::function<void()> listener) {
  absl::MutexLock lock(&listeners_mu_);
  listeners_.emplace_back(next_listener_, std::move(listener));
  return next_listener_++;
}

void QuotaPool::RemoveListener(uint64_t id) {
  absl::MutexLock lock(&listeners_mu_);
  listeners_.erase(std::remove_if(listeners_.begin(), listeners_.end(),
                                  [id](const auto& entry) { return entry.first == id; }),
                   listeners_.end());
}

uint32_t QuotaPool::in_use() const {
  absl::MutexLock lock(&mu_);
  return concurrency_.in_use();
}

uint32_t QuotaPool::concurrency_limit() const {
  absl::MutexLock lock(&mu_);
  return concurrency_.limit();
}

TokenCount QuotaPool::balance() const {
  absl::MutexLock lock(&mu_);
  const SteadyTime now = clock_->Now();
  return {input_.balance(now), output_.balance(now)};
}

}  // namespace limbeck::gateway
