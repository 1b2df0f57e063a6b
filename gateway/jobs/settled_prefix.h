// Follows which items of a harvest are settled, and how far all of them are.
#pragma once

#include <cstdint>
#include <deque>
#include <utility>

#include "gateway/jobs/harvest_mark.h"

namespace limbeck::gateway {

// Items settle in any order; the mark stops at the first that is open. Memory: one entry per item
// from there on. One thread at a time.
class SettledPrefix {
 public:
  SettledPrefix() = default;
  // Goes on from `mark`.
  explicit SettledPrefix(HarvestMark mark) : mark_(std::move(mark)) {}

  // An item is under way: that of query `index`, behind all before it. `next` is the first index
  // behind its queries.
  void Start(uint64_t index, uint64_t next);
  // A started item is settled, for good and durably.
  void Settle(uint64_t index, const ItemTally& tally);
  // The mark stays where it is: items from now on are passed over without being settled.
  void Freeze();

  // Items that are kept track of.
  size_t open() const { return items_.size(); }
  // `models` are as they were given.
  const HarvestMark& mark() const { return mark_; }

 private:
  struct Item {
    uint64_t index = 0;
    uint64_t next = 0;
    bool settled = false;
    ItemTally tally;
  };

  HarvestMark mark_;
  std::deque<Item> items_;  // By index.
  bool frozen_ = false;
};

}  // namespace limbeck::gateway
