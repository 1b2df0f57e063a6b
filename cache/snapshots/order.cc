#include "cache/snapshots/order.h"

#include <algorithm>

#include "base/hash.h"

namespace limbeck::cache {
namespace {

// Streams of the seed: the packs' permutation, then one per window.
uint64_t KeyOf(uint64_t seed, uint32_t epoch, uint64_t stream) {
  StableRandom random(seed, (uint64_t{epoch} << 32) + stream);
  return random.Next();
}

}  // namespace

EpochOrder::EpochOrder(const std::vector<uint32_t>& pack_items, uint64_t seed, uint32_t epoch,
                       bool sequential)
    : seed_(seed), epoch_(epoch), sequential_(sequential) {
  const Permutation permutation(pack_items.size(), KeyOf(seed, epoch, 0));
  packs_.reserve(pack_items.size());
  starts_.reserve(pack_items.size() + 1);
  uint64_t start = 0;
  for (uint64_t i = 0; i < pack_items.size(); ++i) {
    packs_.push_back(static_cast<uint32_t>(sequential ? i : permutation.At(i)));
    starts_.push_back(start);
    start += pack_items[packs_.back()];
  }
  starts_.push_back(start);
}

ItemPlace EpochOrder::At(uint64_t position) const {
  size_t slot = static_cast<size_t>(std::upper_bound(starts_.begin(), starts_.end(), position) -
                                    starts_.begin() - 1);
  if (!sequential_) {
    const size_t window = slot / kWindowPacks;
    const size_t first = window * kWindowPacks;
    const size_t last = std::min(first + kWindowPacks, packs_.size());
    const Permutation permutation(starts_[last] - starts_[first], KeyOf(seed_, epoch_, window + 1));
    position = starts_[first] + permutation.At(position - starts_[first]);
    for (slot = first; starts_[slot + 1] <= position; ++slot) {
    }
  }
  return {packs_[slot], static_cast<uint32_t>(position - starts_[slot])};
}

}  // namespace limbeck::cache
