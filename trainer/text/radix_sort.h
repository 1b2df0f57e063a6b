// Sorting by a small unsigned key in linear time. Comparing took most of the time in which n-grams
// were turned into features.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace limbeck::trainer {

// Sorts `values` stably by `key(value)`, which must be below 2^`bits`. `scratch` is working space
// that callers keep for the next call. Least significant digit first.
template <typename T, typename Key>
void RadixSort(uint32_t bits, const Key& key, std::vector<T>* values, std::vector<T>* scratch) {
  constexpr uint32_t kDigitBits = 9;  // Counters of a pass stay in the first-level cache.
  constexpr uint32_t kMask = (1u << kDigitBits) - 1;
  scratch->resize(values->size());
  for (uint32_t shift = 0; shift < bits; shift += kDigitBits) {
    std::array<uint32_t, kMask + 1> next{};
    for (const T& value : *values) ++next[(key(value) >> shift) & kMask];
    uint32_t begin = 0;
    for (uint32_t& count : next) {
      const uint32_t size = count;
      count = begin;
      begin += size;
    }
    for (const T& value : *values) (*scratch)[next[(key(value) >> shift) & kMask]++] = value;
    values->swap(*scratch);
  }
}

}  // namespace limbeck::trainer
