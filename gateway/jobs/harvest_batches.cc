// The part of Harvest that buys by batch instead of by calls.
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "gateway/jobs/batch_settlement.h"
#include "gateway/jobs/harvest.h"
#include "gateway/jobs/harvest_items.h"
#include "gateway/teachers/cost.h"

namespace limbeck::gateway {

absl::StatusOr<bool> Harvest::StartBatches() {
  LIMBECK_ASSIGN_OR_RETURN(const std::optional<Failure> stopped,
                           SettleEarlierBatches(context_, job_, /*cancel=*/false, stop_,
                                                [this](size_t) { ReportProgress(false); }));
  if (stopped.has_value()) {
    StopBatches(*stopped);
    return false;
  }
  const BatchTools tools = ToolsOf(context_, maker_.teacher());
  priced_ = AtBatchPrices(*tools.config);
  buyer_ = std::make_unique<BatchBuyer>(tools, job_.id(),
                                        [this](const Failure& failure) { StopBatches(failure); });
  max_claimed_ = buyer_->capacity();
  // Each vote is a line of its own.
  votes_per_call_ = 1;
  return true;
}

void Harvest::StopBatches(const Failure& failure) {
  End(HarvestOutcome::End::kTeacher,
      absl::StrCat("teacher ", maker_.teacher().config.name, " takes no batches (", failure.reason,
                   "): ", failure.message,
                   "; have the operator look at key, billing and permissions, then resume"));
}

void Harvest::AskByBatch(const UnitPtr& unit) {
  bool ours_already = false;
  {
    absl::MutexLock lock(&mu_);
    // The job's claims are given to it again: an equal query is in a batch or waits for one.
    ours_already = !batched_.insert(unit->fence).second;
  }
  if (ours_already) {
    Requeue(unit, buyer_->limits().poll);
    Unclaim();
    return;
  }
  BatchOrder order;
  order.query = unit->query;
  order.line = {unit->key, unit->fence, unit->reserve, unit->query.top_logprobs};
  order.done = [this, unit](CallOutcome outcome, BatchOrder::Settled settled) {
    unit->settled = std::move(settled);
    // How long calls take is not learned from batches.
    outcome.took = absl::Microseconds(fit_.micros);
    OnAnswer(unit, std::move(outcome));
  };
  order.left = [this, unit] {
    End(HarvestOutcome::End::kStopped, "");
    Unclaim();
  };
  buyer_->Ask(std::move(order));
}

void Harvest::TellSettled(const UnitPtr& unit, const absl::Status& status) {
  if (unit->settled == nullptr) return;
  std::exchange(unit->settled, nullptr)(status);
  absl::MutexLock lock(&mu_);
  batched_.erase(unit->fence);
}

}  // namespace limbeck::gateway
