#include "gateway/jobs/settled_prefix.h"

#include <algorithm>

namespace limbeck::gateway {

void SettledPrefix::Start(uint64_t index, uint64_t next) {
  if (!frozen_) items_.push_back({.index = index, .next = next});
}

void SettledPrefix::Settle(uint64_t index, const ItemTally& tally) {
  const auto item =
      std::lower_bound(items_.begin(), items_.end(), index,
                       [](const Item& one, uint64_t wanted) { return one.index < wanted; });
  if (item == items_.end() || item->index != index) return;
  item->settled = true;
  item->tally = tally;
  while (!items_.empty() && items_.front().settled) {
    mark_.index = items_.front().next;
    mark_.tally += items_.front().tally;
    items_.pop_front();
  }
}

void SettledPrefix::Freeze() {
  frozen_ = true;
  items_.clear();
}

}  // namespace limbeck::gateway
