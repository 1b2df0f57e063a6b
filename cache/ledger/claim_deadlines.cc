#include "cache/ledger/claim_deadlines.h"

#include <algorithm>

namespace limbeck::cache {

absl::Duration ClaimDeadlines::Left(const ClaimRow& claim) {
  const absl::Duration life = absl::Microseconds(claim.life_micros);
  const absl::Duration by_wall = absl::FromUnixMicros(claim.deadline_micros) - clock_->WallNow();
  const SteadyTime now = clock_->Now();
  absl::MutexLock lock(&mu_);
  const auto [it, is_new] =
      ends_.try_emplace(claim.fence, now + std::clamp(by_wall, absl::ZeroDuration(), life));
  return std::clamp(it->second - now, absl::ZeroDuration(), life);
}

void ClaimDeadlines::Start(uint64_t fence, absl::Duration life) {
  absl::MutexLock lock(&mu_);
  ends_.insert_or_assign(fence, clock_->Now() + life);
}

void ClaimDeadlines::Forget(uint64_t fence) {
  absl::MutexLock lock(&mu_);
  ends_.erase(fence);
}

}  // namespace limbeck::cache
