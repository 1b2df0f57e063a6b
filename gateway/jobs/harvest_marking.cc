// The remembering half of Harvest: where a run goes on, and what the next one needs for that.
#include <utility>

#include "base/log.h"
#include "base/status.h"
#include "gateway/jobs/harvest.h"
#include "gateway/jobs/harvest_items.h"

namespace limbeck::gateway {

absl::StatusOr<HarvestMark> Harvest::ReadMark() const {
  const HarvestMark start{.size = expansion_->size()};
  if (!marks_) return start;
  LIMBECK_ASSIGN_OR_RETURN(const std::optional<HarvestMark> kept,
                           context_.store->GetMark(job_.id()));
  if (!kept.has_value()) return start;
  if (kept->size == expansion_->size() && kept->index <= kept->size) return *kept;
  LIMBECK_LOG(WARNING) << "a harvest's mark does not fit its job; all rows are looked at again"
                       << LogField("job", job_.id());
  return start;
}

absl::Status Harvest::GoOnAtMark() {
  ExpansionSpec spec = maker_.ExpansionOf(walk_->places());
  LIMBECK_ASSIGN_OR_RETURN(expansion_, Expansion::Create(spec));
  LIMBECK_ASSIGN_OR_RETURN(HarvestMark mark, ReadMark());
  const ExpansionItem at = expansion_->At(mark.index);
  LIMBECK_RETURN_IF_ERROR(walk_->Seek(at.row));
  first_place_ = at.row;
  first_variant_ = at.variant;
  absl::MutexLock lock(&mu_);
  counts_.items_before = mark.tally.usable + mark.tally.rejected;
  counts_.items_usable = mark.tally.usable;
  counts_.items_rejected = mark.tally.rejected;
  counts_.leftover_sum = mark.tally.leftover_sum;
  counts_.queries_cached = mark.tally.cost.cached;
  counts_.queries_bought = mark.tally.cost.bought;
  counts_.cost = mark.tally.cost;
  counts_.models = mark.models;
  settled_ = SettledPrefix(std::move(mark));
  return absl::OkStatus();
}

void Harvest::StartItem(uint64_t index) {
  absl::MutexLock lock(&mu_);
  settled_.Start(index, index + maker_.samples());
}

// An item that an earlier run rejected is not asked again: its answer may not be in the cache, so
// that could cost again. What was answered still counts as found.
absl::Status Harvest::PassOver(const ItemPtr& item, const TeacherQuery& query) {
  std::vector<UnitPtr> units;
  for (uint32_t sample = 0; sample < maker_.samples(); ++sample) {
    units.push_back(NewUnit(item, query, sample));
    // Whatever was answered: a refusal has no candidates.
    units.back()->query.top_logprobs = 0;
  }
  const auto results = AcquireUntilAnswered(units, /*lookup_only=*/true);
  if (stop_->fired()) return absl::OkStatus();
  LIMBECK_RETURN_IF_ERROR(results.status());
  item->tally.rejected = 1;
  for (size_t i = 0; i < units.size(); ++i) {
    if ((*results)[i].kind != cache::AcquireResult::Kind::kHit) continue;
    item->tally.cost += CostSample{.cached = 1, .estimate_micro_usd = units[i]->estimate};
  }
  absl::MutexLock lock(&mu_);
  ++counts_.items_rejected;
  counts_.queries_cached += item->tally.cost.cached;
  counts_.cost += item->tally.cost;
  settled_.Settle(item->index, item->tally);
  return absl::OkStatus();
}

void Harvest::KeepMark() {
  if (!marks_) return;
  HarvestMark mark;
  {
    absl::MutexLock lock(&mu_);
    mark = settled_.mark();
    mark.models = counts_.models;
  }
  if (mark.index == kept_mark_) return;
  const absl::Status kept = context_.store->PutMark(job_.id(), mark);
  if (kept.ok()) {
    kept_mark_ = mark.index;
    return;
  }
  // An older mark only makes the next run look at more.
  LIMBECK_LOG(WARNING) << "a harvest's mark is not kept" << LogField("job", job_.id())
                       << LogField("why", kept);
}

}  // namespace limbeck::gateway
