#include "cache/snapshots/permutation.h"

namespace limbeck::cache {
namespace {

constexpr uint64_t kRounds = 6;

// SplitMix64's finaliser.
uint64_t Mix(uint64_t x) {
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
  return x ^ (x >> 31);
}

}  // namespace

Permutation::Permutation(uint64_t n, uint64_t key) : n_(n), key_(Mix(key)), half_bits_(1) {
  while (half_bits_ < 32 && (uint64_t{1} << (2 * half_bits_)) < n) ++half_bits_;
  half_mask_ = (uint64_t{1} << half_bits_) - 1;
}

uint64_t Permutation::Step(uint64_t value) const {
  uint64_t left = value >> half_bits_;
  uint64_t right = value & half_mask_;
  for (uint64_t round = 0; round < kRounds; ++round) {
    const uint64_t mixed = Mix(right + key_ + round * 0x9e3779b97f4a7c15u) & half_mask_;
    const uint64_t next = left ^ mixed;
    left = right;
    right = next;
  }
  return (left << half_bits_) | right;
}

uint64_t Permutation::At(uint64_t index) const {
  if (n_ <= 1) return 0;
  // The network permutes a set less than four times as large; following its cycle from a value in
  // range leads back into range, to a different value for each start.
  do {
    index = Step(index);
  } while (index >= n_);
  return index;
}

}  // namespace limbeck::cache
