// The order in which an epoch visits a snapshot's items: a pure function of (pack sizes, seed,
// epoch), the same on every server and for any number of workers.
#pragma once

#include <cstdint>
#include <vector>

#include "cache/snapshots/permutation.h"

namespace limbeck::cache {

// Changes whenever equal inputs would give another order. Part of every cursor.
inline constexpr uint8_t kOrderVersion = 1;

// Packs whose items are mixed with each other. Reading in order touches this many packs at a time.
inline constexpr uint32_t kWindowPacks = 8;

struct ItemPlace {
  uint32_t pack = 0;
  uint32_t item = 0;  // Within the pack.

  friend bool operator==(const ItemPlace&, const ItemPlace&) = default;
};

// Packs in permuted order are cut into windows of kWindowPacks; within a window the items are
// permuted. A snapshot of one window is shuffled perfectly. Immutable, thread-safe; memory is a few
// bytes per pack, none per item.
class EpochOrder {
 public:
  // `pack_items`: items in each pack.
  EpochOrder(const std::vector<uint32_t>& pack_items, uint64_t seed, uint32_t epoch,
             bool sequential);

  uint64_t size() const { return starts_.back(); }
  // `position` < size().
  ItemPlace At(uint64_t position) const;

 private:
  std::vector<uint32_t> packs_;   // In the order of this epoch.
  std::vector<uint64_t> starts_;  // Position at which each begins; then the total.
  uint64_t seed_;
  uint32_t epoch_;
  bool sequential_;
};

}  // namespace limbeck::cache
