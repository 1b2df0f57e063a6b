// The judging half of Harvest: from the answers of a row to its verdict, or to a further question.
#include <algorithm>
#include <set>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/log.h"
#include "gateway/jobs/harvest.h"
#include "gateway/jobs/harvest_items.h"

namespace limbeck::gateway {
namespace {

constexpr size_t kMaxModels = 16;

// Whether a model answered that is none of those before, which it then belongs to.
bool IsAnotherModel(const std::string& model, std::set<std::string>* models) {
  if (model.empty() || models->size() >= kMaxModels) return false;
  return models->insert(model).second && models->size() > 1;
}

}  // namespace

void Harvest::Resolve(const UnitPtr& unit, std::optional<cache::SoftOutput> output,
                      std::optional<Failure> failure) {
  const ItemPtr item = unit->item;
  {
    absl::MutexLock lock(&mu_);
    if (output.has_value()) {
      if (IsAnotherModel(output->provenance.model, &counts_.models)) {
        LIMBECK_LOG(WARNING) << "another model answers than before" << LogField("job", job_.id())
                             << LogField("teacher", output->provenance.teacher)
                             << LogField("model", output->provenance.model);
      }
      item->outputs[unit->sample] = std::move(output);
    } else if (failure.has_value()) {
      item->failure = std::move(failure);
    } else {
      item->unanswered = true;
    }
    if (--item->pending > 0) return;
  }
  FinishItem(item);
}

void Harvest::FinishItem(const ItemPtr& item) {
  // All samples that were asked for are resolved: nobody else looks at the item.
  const bool may_ask_more = item->asked < maker_.samples() && !item->unanswered;
  std::vector<cache::SoftOutput> outputs;
  for (auto& output : item->outputs) {
    if (!output.has_value()) continue;
    if (may_ask_more) {
      outputs.push_back(*output);
    } else {
      outputs.push_back(*std::move(output));
    }
  }
  if (may_ask_more && !outputs.empty() && judge_.WantsMore(outputs)) {
    AskMore(item);
    return;
  }
  if (item->unanswered && (outputs.empty() || maker_.needs_all_samples())) {
    absl::MutexLock lock(&mu_);
    ++counts_.items_unanswered;
    return;
  }
  const RowVerdict verdict = judge_.Judge(outputs, item->failure);
  if (!verdict.usable) {
    Reject(item, verdict);
    return;
  }
  absl::MutexLock lock(&mu_);
  ++counts_.items_usable;
  counts_.leftover_sum += verdict.leftover;
  item->tally.usable = 1;
  item->tally.leftover_sum = verdict.leftover;
  settled_.Settle(item->index, item->tally);
}

void Harvest::AskMore(const ItemPtr& item) {
  const uint32_t left = maker_.samples() - item->asked;
  const uint32_t count = std::clamp<uint32_t>(votes_per_call_, 1, left);
  std::vector<UnitPtr> units;
  for (uint32_t i = 0; i < count; ++i) {
    units.push_back(NewUnit(item, item->query, item->asked + i));
    units.back()->due = context_.clock->Now();
  }
  absl::MutexLock lock(&mu_);
  item->asked += count;
  item->pending = count;
  waiting_.insert(waiting_.end(), units.begin(), units.end());
}

void Harvest::Reject(const ItemPtr& item, const RowVerdict& verdict) {
  v1::Rejection rejection;
  rejection.set_row(item->key.row);
  rejection.set_row_id(item->row_id);
  rejection.set_dataset(item->key.dataset);
  rejection.set_reason(verdict.reason);
  rejection.set_detail(item->key.variant == 0 ? verdict.detail
                                              : absl::StrCat("noise variant ", item->key.variant,
                                                             ": ", verdict.detail));
  const absl::Status kept = context_.store->AddRejection(job_.id(), item->key, rejection);
  if (!kept.ok()) {
    Fail(kept);
    return;
  }
  uint64_t rejected = 0;
  uint64_t total = 0;
  {
    absl::MutexLock lock(&mu_);
    metrics_.rejected.Add();
    rejected = ++counts_.items_rejected;
    item->tally.rejected = 1;
    settled_.Settle(item->index, item->tally);
    total = counts_.items_total;
  }
  const double share = job_.spec().max_rejected_share();
  if (!judge_share_ || static_cast<double>(rejected) <= share * static_cast<double>(total)) return;
  End(HarvestOutcome::End::kRejections,
      absl::StrCat(rejected, " of ", total, " rows have no usable answer, more than the share of ",
                   share, " that the job accepts; the last one: ", verdict.reason, ", ",
                   verdict.detail,
                   ". Look at the rejections, then cancel, or resume to go on without these rows"));
}

}  // namespace limbeck::gateway
