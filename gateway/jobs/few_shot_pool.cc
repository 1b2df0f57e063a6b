#include "gateway/jobs/few_shot_pool.h"

#include <iterator>
#include <memory>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/hash.h"
#include "base/status.h"

namespace limbeck::gateway {

absl::StatusOr<FewShotPool> FewShotPool::Load(const DatasetStore& datasets, const v1::JobSpec& spec,
                                              const FewShotPoolLimits& limits) {
  const v1::FewShot& few_shot = spec.data().expansion().few_shot();
  FewShotPool pool(few_shot.seed(), limits);
  const WalkPart part = few_shot.has_pool() ? WalkPart::kPool : WalkPart::kTrain;
  LIMBECK_ASSIGN_OR_RETURN(const auto walk, RowWalk::Open(datasets, spec, part));
  while (true) {
    const absl::StatusOr<std::optional<JobRow>> row = walk->Next();
    // Training rows are reported by the walk that asks them; a pool row without text is just none.
    if (absl::IsInvalidArgument(row.status())) continue;
    LIMBECK_RETURN_IF_ERROR(row.status());
    if (!row->has_value()) break;
    pool.Offer(**row);
  }
  pool.rows_.reserve(pool.kept_.size());
  for (auto& [priority, row] : pool.kept_) pool.rows_.push_back(std::move(row));
  pool.kept_.clear();
  if (pool.size() < size_t{few_shot.count()} + 1) {
    return absl::InvalidArgumentError(absl::StrCat(
        "asks for ", few_shot.count(), " examples, but the pool has only ", pool.size(),
        " rows that are neither held out nor validated on; it needs one more than "
        "that"));
  }
  return pool;
}

void FewShotPool::Offer(const JobRow& row) {
  const uint64_t priority = StableRandom(seed_, row.text_hash).Next();
  if (priority >= cutoff_) return;
  const auto [at, added] = kept_.try_emplace(priority, PoolRow{row.text_hash, row.row.columns});
  if (added) kept_bytes_ += at->second.columns.size();
  while (kept_.size() > limits_.max_rows || kept_bytes_ > limits_.max_bytes) {
    const auto last = std::prev(kept_.end());
    cutoff_ = last->first;
    kept_bytes_ -= last->second.columns.size();
    kept_.erase(last);
  }
}

std::vector<const PoolRow*> FewShotPool::Draw(uint64_t key, size_t count, uint64_t own_text) const {
  // Fisher and Yates's shuffle of the indices, of which only what was moved is kept.
  StableRandom random(seed_, key);
  std::map<uint64_t, uint64_t> moved;
  const auto at = [&](uint64_t index) {
    const auto it = moved.find(index);
    return it == moved.end() ? index : it->second;
  };
  std::vector<const PoolRow*> drawn;
  for (uint64_t next = 0; next < rows_.size() && drawn.size() < count; ++next) {
    const uint64_t other = next + random.Below(rows_.size() - next);
    const uint64_t chosen = at(other);
    moved[other] = at(next);
    if (rows_[chosen].text_hash != own_text) drawn.push_back(&rows_[chosen]);
  }
  return drawn;
}

}  // namespace limbeck::gateway
