// A random-looking order of 0 … n−1 without a table.
#pragma once

#include <cstdint>

namespace limbeck::cache {

// A bijection on 0 … n−1 that is a pure function of (n, key): a balanced Feistel network over the
// next even power of two, walked until the value is in range. Algorithm version 1; a change gives
// other orders and needs a new version (kOrderVersion). Immutable, thread-safe, no allocation.
class Permutation {
 public:
  Permutation(uint64_t n, uint64_t key);

  // `index` < n. Fewer than four rounds of the network on average.
  uint64_t At(uint64_t index) const;
  uint64_t size() const { return n_; }

 private:
  uint64_t Step(uint64_t value) const;

  uint64_t n_;
  uint64_t key_;
  int half_bits_;
  uint64_t half_mask_;
};

}  // namespace limbeck::cache
