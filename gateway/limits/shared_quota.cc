#include "gateway/limits/shared_quota.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status.h"

namespace limbeck::gateway {
namespace {

constexpr std::string_view kTable = "shared_quotas";
// Of the lease, kept back for clocks that differ.
constexpr double kClockMargin = 0.2;
// A lease is extended once less than this part of it is left.
constexpr double kExtendBelow = 0.6;
// Slots that a gateway holds beyond its calls on the way, so that it need not ask for each.
constexpr uint32_t kSpareSlots = 2;

// The engine's rows are in wall time; buckets count in any time that goes forward.
SteadyTime AsSteady(int64_t micros) { return {absl::Microseconds(micros)}; }

}  // namespace

// One compare-and-set.
struct SharedQuota::Round {
  std::optional<std::string> before;
  SharedRecord record;
  int64_t now_micros = 0;
  SteadyTime now;
  const QuotaDemand* demand = nullptr;
  std::vector<TokenBucket> buckets;
  std::vector<int64_t> left;    // Held before.
  std::vector<int64_t> target;  // Held afterwards.
  uint32_t slots = 0;           // Likewise.
  bool hungry = false;
};

SharedQuota::SharedQuota(QuotaPool* pool, kv::Engine* engine, Clock* clock,
                         const SharedQuotaOptions& options)
    : pool_(pool),
      engine_(engine),
      clock_(clock),
      options_(options),
      limits_(pool->options().AllLimits()),
      until_(clock->Now()) {
  for (const QuotaLimit& limit : limits_) {
    const std::string name = absl::StrCat(std::string(QuotaKindName(limit.kind)), "/",
                                          absl::ToInt64Seconds(limit.window));
    const auto same = std::count_if(names_.begin(), names_.end(),
                                    [&](const std::string& known) { return known == name; });
    // A second limit of the same kind and window has a count of its own.
    names_.push_back(same == 0 ? name : absl::StrCat(name, "/", names_.size()));
  }
}

std::vector<std::string> SharedQuota::Tables() { return {std::string(kTable)}; }

absl::StatusOr<SharedQuota::Round> SharedQuota::Read(const QuotaDemand& demand) {
  Round round;
  round.demand = &demand;
  round.now = clock_->Now();
  round.now_micros = absl::ToUnixMicros(clock_->WallNow());
  LIMBECK_ASSIGN_OR_RETURN(round.before, engine_->Get(kTable, pool_->name()));
  if (round.before.has_value()) {
    LIMBECK_ASSIGN_OR_RETURN(round.record, DecodeSharedRecord(*round.before));
    LIMBECK_RETURN_IF_ERROR(CheckClocks(&round));
  }
  const SteadyTime now = AsSteady(round.now_micros);
  for (size_t i = 0; i < limits_.size(); ++i) {
    const QuotaLimit& limit = limits_[i];
    const TokenBucket::Options bucket = {limit.amount, limit.window, limit.burst,
                                         limit.fixed_window};
    round.buckets.emplace_back(bucket, now);
    const auto known = round.record.buckets.find(names_[i]);
    if (known == round.record.buckets.end()) continue;
    round.buckets[i].Restore({known->second.millionths, AsSteady(known->second.refilled_micros)});
  }
  return round;
}

absl::Status SharedQuota::CheckClocks(Round* round) const {
  const int64_t far = round->now_micros + absl::ToInt64Microseconds(options_.lease);
  for (auto& [name, bucket] : round->record.buckets) {
    if (bucket.refilled_micros <= far) continue;
    for (const auto& [holder, lease] : round->record.leases) {
      const bool there = lease.deadline_micros > 2 * far - round->now_micros;
      if (holder == options_.holder || !there) continue;
      return absl::FailedPreconditionError(absl::StrCat(
          "the clock of this machine is behind that of gateway ", holder, " by ",
          absl::FormatDuration(absl::Microseconds(bucket.refilled_micros - round->now_micros)),
          "; nothing is sent until they agree"));
    }
    // Nobody's clock is there any more: it was set back.
    bucket.refilled_micros = round->now_micros;
  }
  return absl::OkStatus();
}

void SharedQuota::Reclaim(Round* round) const {
  for (auto lease = round->record.leases.begin(); lease != round->record.leases.end();) {
    if (lease->first == options_.holder || lease->second.deadline_micros > round->now_micros) {
      ++lease;
      continue;
    }
    for (size_t i = 0; i < limits_.size(); ++i) {
      const auto left = lease->second.left.find(names_[i]);
      if (left == lease->second.left.end()) continue;
      round->buckets[i].Take(-left->second, AsSteady(round->now_micros));
    }
    lease = round->record.leases.erase(lease);
  }
}

size_t SharedQuota::HungryOthers(const Round& round) const {
  size_t hungry = 0;
  for (const auto& [holder, lease] : round.record.leases) {
    hungry += holder != options_.holder && lease.hungry ? 1 : 0;
  }
  return hungry;
}

void SharedQuota::DivideTokens(Round* round) const {
  const SteadyTime now = AsSteady(round->now_micros);
  const auto sharers = static_cast<int64_t>(HungryOthers(*round) + 1);
  const auto own = round->record.leases.find(options_.holder);
  for (size_t i = 0; i < limits_.size(); ++i) {
    TokenBucket& bucket = round->buckets[i];
    const int64_t left = round->left[i];
    const int64_t wanted = round->demand->wanted[i];
    int64_t used = 0;
    if (own != round->record.leases.end()) {
      const auto before = own->second.left.find(names_[i]);
      if (before != own->second.left.end()) used = std::max<int64_t>(0, before->second - left);
    }
    const auto chunk = static_cast<int64_t>(options_.chunk * static_cast<double>(bucket.burst()));
    const int64_t enough = std::max({int64_t{1}, chunk, wanted, 2 * used});
    int64_t take = std::clamp<int64_t>((bucket.balance(now) + sharers - 1) / sharers, 0,
                                       std::max<int64_t>(0, enough - left));
    // More than the burst is served from a full bucket and leaves debt, as without sharing.
    const int64_t missing = wanted - left;
    if (missing > take && bucket.balance(now) >= bucket.burst()) take = missing;
    // What is far more than enough serves others better.
    if (sharers > 1 && left > 2 * enough) take = enough - left;
    bucket.Take(take, now);
    round->target[i] = left + take;
    round->hungry = round->hungry || round->target[i] < wanted;
  }
}

void SharedQuota::DivideSlots(Round* round) const {
  uint32_t others = 0;
  for (const auto& [holder, lease] : round->record.leases) {
    if (holder != options_.holder) others += lease.slots;
  }
  const uint32_t total = std::max<uint32_t>(1, pool_->options().max_concurrent);
  const uint32_t free = total > others ? total - others : 0;
  const uint32_t in_use = round->demand->in_use;
  const uint32_t wanted = std::min(
      total, round->demand->slots_wanted ? 2 * in_use + kSpareSlots : in_use + kSpareSlots);
  uint32_t slots = std::min(wanted, free);
  if (const size_t hungry = HungryOthers(*round); hungry > 0) {
    const auto fair = static_cast<uint32_t>(total / (hungry + 1));
    slots = std::min(slots, std::max<uint32_t>(1, fair));
  }
  round->slots = slots;
  round->hungry = round->hungry || (round->demand->slots_wanted && slots < wanted);
}

uint32_t SharedQuota::SlotsHeld(const Round& round) {
  // Calls on the way hold theirs, whatever is due to others.
  return std::max(round.slots, round.demand->in_use);
}

bool SharedQuota::IsIdle(const QuotaDemand& demand) {
  return demand.in_use == 0 && !demand.slots_wanted &&
         std::all_of(demand.wanted.begin(), demand.wanted.end(),
                     [](int64_t wanted) { return wanted == 0; });
}

bool SharedQuota::WorthWriting(const Round& round) const {
  // The lease of a pool that nobody asks may end.
  if (IsIdle(*round.demand) && round.demand->parked_for == absl::ZeroDuration()) return false;
  const auto own = round.record.leases.find(options_.holder);
  if (own == round.record.leases.end()) return true;
  if (round.slots != slots_ || SlotsHeld(round) != own->second.slots) return true;
  if (round.hungry != own->second.hungry || round.target != round.left) return true;
  const absl::Duration rest = until_ - round.now;
  if (rest < kExtendBelow * options_.lease) return true;
  for (size_t i = 0; i < limits_.size(); ++i) {
    const auto before = own->second.left.find(names_[i]);
    if (before == own->second.left.end()) return true;
    // What is booked late comes back too much when this process dies.
    if (before->second - round.left[i] > before->second / 2) return true;
  }
  return round.demand->parked_for > absl::ZeroDuration() &&
         round.now_micros + absl::ToInt64Microseconds(round.demand->parked_for) >
             round.record.parked_until_micros + absl::ToInt64Microseconds(absl::Seconds(1));
}

absl::Status SharedQuota::Write(const Round& round) {
  SharedRecord record = round.record;
  for (size_t i = 0; i < limits_.size(); ++i) {
    const TokenBucket::Saved saved = round.buckets[i].Save();
    record.buckets[names_[i]] = {saved.millionths,
                                 absl::ToInt64Microseconds(saved.last_refill.since_start)};
  }
  SharedRecord::Lease& lease = record.leases[options_.holder];
  lease.left.clear();
  for (size_t i = 0; i < limits_.size(); ++i) lease.left[names_[i]] = round.target[i];
  lease.slots = SlotsHeld(round);
  lease.hungry = round.hungry;
  lease.deadline_micros = round.now_micros + absl::ToInt64Microseconds(options_.lease);
  if (round.demand->parked_for > absl::ZeroDuration()) {
    record.parked_until_micros =
        std::max(record.parked_until_micros,
                 round.now_micros + absl::ToInt64Microseconds(round.demand->parked_for));
  }
  kv::WriteBatch batch;
  if (round.before.has_value()) {
    batch.ExpectValue(kTable, pool_->name(), *round.before);
  } else {
    batch.ExpectAbsent(kTable, pool_->name());
  }
  batch.Put(kTable, pool_->name(), Encode(record));
  return engine_->Write(batch);
}

absl::Status SharedQuota::TryRefresh(QuotaDemand* demand) {
  LIMBECK_ASSIGN_OR_RETURN(Round round, Read(*demand));
  Reclaim(&round);
  const auto own = round.record.leases.find(options_.holder);
  const bool known = own != round.record.leases.end();
  std::vector<int64_t> lost(limits_.size(), 0);
  if (holds_ && !known) {
    // Others took it for dead, and have what it held.
    for (size_t i = 0; i < limits_.size(); ++i) {
      lost[i] = -std::max<int64_t>(0, demand->left[i]);
      demand->left[i] += lost[i];
    }
    holds_ = false;
    pool_->Grant(lost, 0, clock_->Now());
  }
  const int64_t parked = round.record.parked_until_micros - round.now_micros;
  if (parked > 0) pool_->Park(absl::Microseconds(parked));
  round.left = demand->left;
  round.target = round.left;
  DivideTokens(&round);
  DivideSlots(&round);
  if (!WorthWriting(round)) return absl::OkStatus();
  std::vector<int64_t> less(limits_.size(), 0);
  std::vector<int64_t> more(limits_.size(), 0);
  for (size_t i = 0; i < limits_.size(); ++i) {
    const int64_t change = round.target[i] - round.left[i];
    (change < 0 ? less : more)[i] = change;
  }
  // What goes back is given up before the write, what comes is used after it: an unknown outcome
  // costs tokens and never grants any twice.
  if (less != std::vector<int64_t>(limits_.size(), 0) || round.slots < slots_) {
    pool_->Grant(less, std::min(slots_, round.slots), until_);
    for (size_t i = 0; i < limits_.size(); ++i) demand->left[i] += less[i];
  }
  LIMBECK_RETURN_IF_ERROR(Write(round));
  holds_ = true;
  slots_ = round.slots;
  until_ = round.now + options_.lease * (1 - kClockMargin);
  pool_->Grant(more, slots_, until_);
  return absl::OkStatus();
}

absl::Status SharedQuota::Refresh() {
  QuotaDemand demand = pool_->Demand();
  absl::Status status;
  for (int round = 0; round < options_.max_conflicts; ++round) {
    status = TryRefresh(&demand);
    if (!absl::IsAborted(status)) return status;
  }
  return status;
}

absl::Status SharedQuota::Release() {
  pool_->Grant({}, 0, clock_->Now());
  slots_ = 0;
  const QuotaDemand demand = pool_->Demand();
  absl::Status status;
  for (int conflicts = 0; conflicts < options_.max_conflicts; ++conflicts) {
    LIMBECK_ASSIGN_OR_RETURN(Round round, Read(demand));
    const auto own = round.record.leases.find(options_.holder);
    if (own == round.record.leases.end()) return absl::OkStatus();
    round.record.leases.erase(own);
    for (size_t i = 0; i < limits_.size(); ++i) {
      round.buckets[i].Take(-demand.left[i], AsSteady(round.now_micros));
      const TokenBucket::Saved saved = round.buckets[i].Save();
      round.record.buckets[names_[i]] = {saved.millionths,
                                         absl::ToInt64Microseconds(saved.last_refill.since_start)};
    }
    kv::WriteBatch batch;
    batch.ExpectValue(kTable, pool_->name(), *round.before);
    batch.Put(kTable, pool_->name(), Encode(round.record));
    status = engine_->Write(batch);
    if (!absl::IsAborted(status)) return status;
  }
  return status;
}

}  // namespace limbeck::gateway
