// The asking part of Harvest: from claims to calls, and from a call's end to what is kept of it. A
// call asks for one answer, or for several votes on one row (see votes_together.h).
#include <algorithm>
#include <map>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "cache/records/record_codec.h"
#include "gateway/jobs/harvest.h"
#include "gateway/jobs/harvest_items.h"
#include "gateway/jobs/votes_together.h"
#include "gateway/teachers/cost.h"

namespace limbeck::gateway {
namespace {

constexpr absl::Duration kClaimMargin = absl::Minutes(1);

cache::CallUsage UsageOf(const TeacherQuery& query, const cache::Usage& usage,
                         absl::Duration took) {
  cache::CallUsage used;
  used.reported = UsageIsReported(usage);
  if (used.reported) {
    used.input_tokens = usage.input_tokens;
    used.cached_input_tokens = usage.cached_input_tokens;
    used.output_tokens = usage.output_tokens;
  }
  used.prompt_bytes = PromptBytes(query);
  used.micros = static_cast<uint64_t>(std::max<int64_t>(0, absl::ToInt64Microseconds(took)));
  return used;
}

Share ShareOf(const JobContext& context, const v1::DistillationJob& job) {
  const v1::Runtime& runtime = job.spec().runtime();
  return {context.team, job.id(), context.team_share_weight,
          runtime.has_share_weight() ? runtime.share_weight() : 1};
}

absl::Duration HedgeAfter(const v1::TeacherUse& use) {
  if (!use.has_hedge()) return absl::InfiniteDuration();
  return absl::Milliseconds(use.hedge().after_milliseconds());
}

}  // namespace

std::vector<Harvest::UnitPtr> Harvest::CallOf(const UnitPtr& unit) {
  std::vector<UnitPtr> units = {unit};
  units.insert(units.end(), unit->companions.begin(), unit->companions.end());
  return units;
}

void Harvest::AskGathered() {
  const size_t most = votes_per_call_;
  std::vector<UnitPtr> calls;
  std::map<const Item*, UnitPtr> open;
  for (UnitPtr& unit : std::exchange(gathered_, {})) {
    if (unit->alone) {
      calls.push_back(std::move(unit));
      continue;
    }
    UnitPtr& leader = open[unit->item.get()];
    if (leader != nullptr && leader->companions.size() + 1 < most) {
      leader->companions.push_back(std::move(unit));
      continue;
    }
    leader = unit;
    calls.push_back(std::move(unit));
  }
  for (const UnitPtr& unit : calls) Ask(unit);
}

void Harvest::Ask(const UnitPtr& unit) {
  Call call;
  call.query = unit->query;
  call.query.samples = static_cast<uint32_t>(1 + unit->companions.size());
  call.share = ShareOf(context_, job_);
  // A claim must not run out while its call is under way.
  call.timeout =
      std::max(context_.harvest.claim_life - kClaimMargin, context_.harvest.claim_life / 2);
  call.on_ambiguous = [this, unit](uint32_t attempt) {
    return OnAmbiguous(unit, absl::StrCat("try ", attempt, " was sent and its end is unknown"));
  };
  // A second call for several votes would have to be booked for each.
  if (unit->companions.empty()) call.hedge_after = HedgeAfter(job_.spec().teachers(0));
  call.on_hedge = [this, unit](uint32_t attempt) {
    return OnAmbiguous(unit, absl::StrCat("a second call is sent beside try ", attempt,
                                          "; one of the two gives no answer"));
  };
  call.done = [this, unit](CallOutcome outcome) { OnAnswer(unit, std::move(outcome)); };
  const absl::Status asked = maker_.teacher().client->Ask(std::move(call));
  if (asked.ok()) return;
  Failure failure;
  failure.cls = absl::IsCancelled(asked) ? FailureClass::kCancelled : FailureClass::kRetryable;
  failure.reason = "NOT_SENT";
  failure.message = std::string(ToStd(asked.message()));
  OnCallFailure(unit, std::move(failure), absl::ZeroDuration());
}

absl::Status Harvest::OnAmbiguous(const UnitPtr& unit, const std::string& note) {
  const std::vector<UnitPtr> units = CallOf(unit);
  std::vector<cache::ReleaseItem> items;
  for (const UnitPtr& each : units) {
    cache::ReleaseItem item;
    item.key = each->key;
    item.fence = each->fence;
    item.reason = cache::ReleaseItem::Reason::kAmbiguous;
    item.keep_claim = true;
    item.note = note;
    items.push_back(std::move(item));
  }
  const auto outcomes = context_.cache->Release(context_.domain, items);
  if (!outcomes.ok()) return outcomes.status();
  {
    absl::MutexLock lock(&mu_);
    metrics_.ambiguous.Add(static_cast<double>(units.size()));
    counts_.calls_ambiguous += units.size();
  }
  absl::Status status;
  for (size_t i = 0; i < units.size(); ++i) {
    if ((*outcomes)[i] == cache::ReleaseOutcome::kKept) continue;
    units[i]->claim_gone = true;
    status = (*outcomes)[i] == cache::ReleaseOutcome::kNoMoney
                 ? absl::ResourceExhaustedError("there is no money for another try")
                 : absl::AbortedError("the claim was given to someone else");
  }
  if (status.ok()) return status;
  // No further try follows, though some votes' claims were renewed for it.
  for (const UnitPtr& each : units) each->booked = !each->claim_gone;
  return status;
}

std::vector<Harvest::Bill> Harvest::BillsOf(const TeacherQuery& asked, const cache::Usage& usage,
                                            absl::Duration took, size_t parts) const {
  const std::vector<int64_t> amounts =
      SplitAmount(ActualMicroUsd(maker_.teacher().config, asked, usage), parts);
  const std::vector<cache::Usage> usages = SplitUsage(usage, parts);
  std::vector<Bill> bills;
  for (size_t i = 0; i < parts; ++i) {
    Bill bill = {amounts[i], UsageOf(asked, usages[i], took / static_cast<int64_t>(parts))};
    bill.usage.reported = UsageIsReported(usage);
    bill.usage.prompt_bytes /= parts;
    bills.push_back(bill);
  }
  return bills;
}

void Harvest::OnAnswer(const UnitPtr& unit, CallOutcome outcome) {
  if (!outcome.ok()) {
    return OnCallFailure(unit, std::get<Failure>(std::move(outcome.result)), outcome.took);
  }
  std::vector<cache::SoftOutput> outputs = std::move(outcome.further);
  outputs.insert(outputs.begin(), std::get<cache::SoftOutput>(std::move(outcome.result)));
  const std::vector<UnitPtr> units = CallOf(unit);
  unit->companions.clear();
  if (unit->alone) votes_per_call_ = 1;
  const size_t given = std::min(outputs.size(), units.size());
  TeacherQuery asked = unit->query;
  asked.samples = static_cast<uint32_t>(given);
  const cache::Usage usage = outputs.front().usage;
  const std::vector<Bill> bills = BillsOf(asked, usage, outcome.took, given);
  const std::vector<cache::Usage> usages = SplitUsage(usage, given);
  for (size_t i = 0; i < given; ++i) {
    outputs[i].usage = usages[i];
    Keep(units[i], std::move(outputs[i]), bills[i]);
  }
  if (given == units.size()) return;
  // One of several is a teacher that knows no better; a few less may be a matter of the row.
  if (given == 1) votes_per_call_ = 1;
  for (size_t i = given; i < units.size(); ++i) {
    Release(units[i], cache::ReleaseItem::Reason::kNotBilled,
            absl::StrCat("the call gave ", given, " of ", units.size(), " answers"), {},
            [this, late = units[i]] { Requeue(late, absl::ZeroDuration()); });
  }
}

void Harvest::OnCallFailure(const UnitPtr& unit, Failure failure, absl::Duration took) {
  const std::vector<UnitPtr> units = CallOf(unit);
  unit->companions.clear();
  if (units.size() > 1 && failure.cls == FailureClass::kBadRequest) {
    // It may be the number of answers that is refused, not the row: asked one by one it shows.
    for (const UnitPtr& each : units) {
      each->alone = true;
      Release(each, cache::ReleaseItem::Reason::kNotBilled, failure.reason, {},
              [this, each] { Requeue(each, absl::ZeroDuration()); });
    }
    return;
  }
  TeacherQuery asked = unit->query;
  asked.samples = static_cast<uint32_t>(units.size());
  const std::vector<Bill> bills = BillsOf(asked, failure.usage, took, units.size());
  for (size_t i = 0; i < units.size(); ++i) OnFailure(units[i], failure, bills[i]);
}

void Harvest::Keep(const UnitPtr& unit, cache::SoftOutput output, const Bill& bill) {
  cache::CommitItem item;
  item.key = unit->key;
  item.fence = unit->fence;
  item.record = cache::EncodeRecord(output);
  item.actual_micro_usd = bill.micro_usd;
  item.usage = bill.usage;
  const int64_t cost = bill.micro_usd;
  const bool reported = bill.usage.reported;
  auto kept = std::make_shared<cache::SoftOutput>(std::move(output));
  keeper_->Add({std::move(item), [this, unit, kept, cost, reported](const absl::Status& status) {
                  if (status.ok()) {
                    {
                      absl::MutexLock lock(&mu_);
                      ++counts_.queries_bought;
                      metrics_.bought.Add();
                      CountCost(*unit, cost, reported);
                    }
                    Resolve(unit, std::move(*kept), std::nullopt);
                  } else {
                    Fail(Annotate(status, "store a paid answer"));
                  }
                  Unclaim();
                }});
}

}  // namespace limbeck::gateway
