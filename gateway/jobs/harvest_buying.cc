// The buying half of Harvest: claims, calls and their settlement.
#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/status.h"
#include "cache/records/record_codec.h"
#include "gateway/jobs/harvest.h"
#include "gateway/jobs/harvest_items.h"
#include "gateway/jobs/votes_together.h"
#include "gateway/teachers/cost.h"

namespace limbeck::gateway {
namespace {

constexpr absl::Duration kMinWait = absl::Milliseconds(20);
// After the teacher client gave up on a query, it is tried again this often and this much later
// before the job pauses.
constexpr int kMaxRounds = 3;
constexpr absl::Duration kRoundDelay = absl::Seconds(5);
constexpr size_t kMaxNoteBytes = 200;

// What invoices call a query: "train:17", "train:17 variant 2 sample 3".
std::string RowLabel(const RejectionKey& key, uint32_t sample) {
  std::string label = absl::StrCat(key.dataset, ":", key.row);
  if (key.variant > 0) absl::StrAppend(&label, " variant ", key.variant);
  if (sample > 0) absl::StrAppend(&label, " sample ", sample);
  return label;
}

// Who can give an account more money, and how.
std::string HowToRaise(const std::string& account) {
  if (account.starts_with("job/")) return "raise the job's ceiling and resume";
  if (account.find('/') != account.rfind('/')) {
    return "resume next month, or have the operator raise the team's month_ceiling_micro_usd, then "
           "resume";
  }
  return "have the operator raise the team's ceiling_micro_usd, then resume";
}

bool CacheIsAway(const absl::Status& status) {
  return absl::IsUnavailable(status) || absl::IsDeadlineExceeded(status) ||
         absl::IsAborted(status) || absl::IsInternal(status);
}

}  // namespace

void Harvest::SetPrice(Unit* unit) const {
  const TeacherConfig& config = maker_.teacher().config;
  const TokenRange tokens =
      LikelyTokens(fit_, PromptBytes(unit->query), unit->query.sampling.max_tokens);
  unit->reserve = UpperBoundMicroUsd(config, unit->query);
  unit->estimate =
      std::min(unit->reserve, CostMicroUsd(config, PartOfCall(tokens.likely, votes_per_call_)));
}

absl::StatusOr<std::vector<cache::AcquireResult>> Harvest::AcquireUntilAnswered(
    const std::vector<UnitPtr>& units, bool lookup_only) {
  cache::AcquireRequest request;
  request.domain = context_.domain;
  request.accounts = {JobAccount(job_.id()), "team/" + context_.team};
  request.owner = {context_.gateway_name, context_.incarnation};
  // A try whose answer was lost is given the same claims again.
  request.request_id = HexEncode(RandomBytes(16));
  request.claim_life = context_.harvest.claim_life;
  request.include_records = true;
  request.lookup_only = lookup_only;
  request.teacher = maker_.teacher().config.name;
  for (const UnitPtr& unit : units) {
    request.items.push_back({unit->canonical, unit->query.top_logprobs, unit->reserve,
                             unit->estimate, RowLabel(unit->item->key, unit->sample)});
  }
  Backoff backoff(context_.harvest.retry, StableRandom(Xxh3(request.request_id), 0));
  while (true) {
    auto results = context_.cache->Acquire(request);
    if (results.ok() && results->size() != units.size()) {
      return absl::InternalError("the cache answered another number of queries than it was asked");
    }
    // Without the cache's word nothing may be bought.
    if (results.ok() || !CacheIsAway(results.status()) || stop_->fired()) return results;
    LIMBECK_LOG(WARNING) << "the cache cannot be reached; nothing is bought"
                         << LogField("job", job_.id()) << LogField("why", results.status());
    ReportProgress(true);
    if (stop_->WaitFor(backoff.Next())) return results;
  }
}

absl::Status Harvest::AcquireAndSend(std::vector<UnitPtr> units) {
  auto results = AcquireUntilAnswered(units, lookup_only_);
  if (!results.ok()) {
    // Claims made by a lost answer end when this gateway's next start is seen, or with their time.
    for (const UnitPtr& unit : units) Requeue(unit, absl::ZeroDuration());
    if (stop_->fired()) return absl::OkStatus();
    if (absl::IsResourceExhausted(results.status())) {
      End(HarvestOutcome::End::kDisk,
          absl::StrCat("the cache takes no more: ", absl::string_view(results.status().message()),
                       "; free some space and resume"));
      return absl::OkStatus();
    }
    return Annotate(results.status(), absl::StrCat("claim queries of ", job_.id()));
  }
  {
    absl::MutexLock lock(&mu_);
    for (const cache::AcquireResult& result : *results) {
      const bool ours = result.kind == cache::AcquireResult::Kind::kYours;
      claimed_ += ours;
      if (ours) metrics_.claimed.Add(1);
    }
  }
  for (size_t i = 0; i < units.size(); ++i) OnResult(units[i], std::move((*results)[i]));
  AskGathered();
  return absl::OkStatus();
}

void Harvest::OnResult(const UnitPtr& unit, cache::AcquireResult result) {
  switch (result.kind) {
    case cache::AcquireResult::Kind::kHit:
      OnHit(unit, std::move(result));
      return;
    case cache::AcquireResult::Kind::kYours:
      unit->key = std::move(result.key);
      unit->fence = result.fence;
      unit->claim_gone = false;
      gathered_.push_back(unit);
      return;
    case cache::AcquireResult::Kind::kWait:
      Requeue(unit, std::max(kMinWait, result.retry_after));
      return;
    case cache::AcquireResult::Kind::kRefused:
      OnRefused(unit, result);
      return;
    case cache::AcquireResult::Kind::kAbsent:
      Resolve(unit, std::nullopt, std::nullopt);
      return;
  }
}

void Harvest::OnHit(const UnitPtr& unit, cache::AcquireResult result) {
  if (result.record.empty()) {
    // It did not fit into the answer; with fewer beside it, it will.
    Requeue(unit, absl::ZeroDuration());
    return;
  }
  auto output = cache::DecodeRecord(result.record);
  if (!output.ok()) {
    Fail(Annotate(output.status(), absl::StrCat("record of row ", unit->item->key.row)));
    return;
  }
  {
    absl::MutexLock lock(&mu_);
    metrics_.cached.Add();
    ++counts_.queries_cached;
    const CostSample found = {.cached = 1, .estimate_micro_usd = unit->estimate};
    counts_.cost += found;
    unit->item->tally.cost += found;
  }
  Resolve(unit, *std::move(output), std::nullopt);
}

void Harvest::OnRefused(const UnitPtr& unit, const cache::AcquireResult& result) {
  {
    absl::MutexLock lock(&mu_);
    if (claimed_ > 0 || !waiting_.empty()) {
      // What is reserved for calls under way may come back.
      refused_.push_back(unit);
      return;
    }
  }
  if (train_with_partial_) {
    lookup_only_ = true;
    {
      // A later run may have the money for what this one passes over.
      absl::MutexLock lock(&mu_);
      settled_.Freeze();
    }
    Resolve(unit, std::nullopt, std::nullopt);
    return;
  }
  refused_.push_back(unit);
  End(HarvestOutcome::End::kBudget,
      absl::StrCat("the next query may cost ", unit->reserve, " micro-USD, but account ",
                   result.refused_account, " has only ", result.left_micro_usd, " left; ",
                   HowToRaise(result.refused_account)));
}

void Harvest::CountCost(const Unit& unit, int64_t micro_usd, bool reported) {
  const CostSample one = {
      .bought = 1,
      .micro_usd = micro_usd,
      .squares = static_cast<double>(micro_usd) * static_cast<double>(micro_usd),
      .estimate_micro_usd = unit.estimate};
  counts_.cost += one;
  unit.item->tally.cost += one;
  metrics_.spent.Add(static_cast<double>(micro_usd));
  metrics_.estimated.Add(static_cast<double>(unit.estimate));
  if (!reported) metrics_.usage_missing.Add();
  if (micro_usd > unit.reserve) metrics_.above_bound.Add();
}

// What follows from a call that gave no answer: for the claim, then for the row or the job.
void Harvest::OnFailure(const UnitPtr& unit, Failure failure, const Bill& bill) {
  using Reason = cache::ReleaseItem::Reason;
  const bool about_the_row = !RowReason(failure).empty();
  Reason reason = Reason::kNotBilled;
  if (failure.may_have_been_billed) {
    // With the provider's word on what it used, its end is known.
    const bool known = about_the_row || UsageIsReported(failure.usage);
    reason = known ? Reason::kBilledUnusable : Reason::kAmbiguous;
  }
  // What was reserved for a further try comes back: it was never sent.
  if (std::exchange(unit->booked, false)) reason = Reason::kNotBilled;
  const std::string note = absl::StrCat(failure.reason, ": ", failure.message);
  Release(unit, reason, note, bill, [this, unit, failure, about_the_row] {
    if (about_the_row) {
      Resolve(unit, std::nullopt, failure);
      return;
    }
    const bool cancelled = failure.cls == FailureClass::kCancelled;
    if (unit->claim_gone && !cancelled) {
      // No money for another try, or someone else is at it: the next Acquire says which.
      Requeue(unit, kMinWait);
      return;
    }
    Requeue(unit, kRoundDelay);
    if (failure.cls == FailureClass::kStopTeacher) {
      End(HarvestOutcome::End::kTeacher,
          absl::StrCat("teacher ", maker_.teacher().config.name, " refuses service (",
                       failure.reason, "): ", failure.message,
                       "; have the operator look at key, billing and permissions, then resume"));
    } else if (cancelled) {
      End(HarvestOutcome::End::kStopped, "");
    } else if (++unit->rounds >= kMaxRounds) {
      End(HarvestOutcome::End::kTeacher,
          absl::StrCat("teacher ", maker_.teacher().config.name,
                       failure.cls == FailureClass::kDeadline ? " did not answer in time ("
                                                              : " cannot be reached (",
                       failure.reason, "): ", failure.message, "; resume when it is back"));
    }
  });
}

void Harvest::Release(const UnitPtr& unit, cache::ReleaseItem::Reason reason,
                      const std::string& note, const Bill& bill, std::function<void()> then) {
  if (unit->claim_gone) {
    then();
    Unclaim();
    return;
  }
  cache::ReleaseItem item;
  item.key = unit->key;
  item.fence = unit->fence;
  item.reason = reason;
  if (reason == cache::ReleaseItem::Reason::kBilledUnusable) {
    item.actual_micro_usd = bill.micro_usd;
    item.usage = bill.usage;
    metrics_.unusable.Add(static_cast<double>(bill.micro_usd));
  }
  item.note = note.substr(0, kMaxNoteBytes);
  if (reason == cache::ReleaseItem::Reason::kAmbiguous) {
    absl::MutexLock lock(&mu_);
    metrics_.ambiguous.Add();
    ++counts_.calls_ambiguous;
  }
  keeper_->Add({std::move(item), [this, then = std::move(then)](const absl::Status& status) {
                  if (status.ok()) {
                    then();
                  } else {
                    Fail(Annotate(status, "release a claim"));
                  }
                  Unclaim();
                }});
}

void Harvest::Unclaim() {
  absl::MutexLock lock(&mu_);
  metrics_.claimed.Add(-1);
  --claimed_;
}

void Harvest::Requeue(const UnitPtr& unit, absl::Duration delay) {
  absl::MutexLock lock(&mu_);
  unit->due = context_.clock->Now() + delay;
  waiting_.push_back(unit);
}

}  // namespace limbeck::gateway
