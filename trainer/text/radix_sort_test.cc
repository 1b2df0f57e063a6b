#include "trainer/text/radix_sort.h"

#include <algorithm>
#include <utility>

#include <gtest/gtest.h>

#include "base/hash.h"

namespace limbeck::trainer {
namespace {

TEST(RadixSortTest, SortsStablyLikeTheStandardLibrary) {
  using Pair = std::pair<uint32_t, uint32_t>;
  const auto key = [](const Pair& pair) { return pair.first; };
  std::vector<Pair> scratch;
  for (const uint32_t bits : {1u, 9u, 10u, 18u, 24u, 32u}) {
    StableRandom random(bits, 1);
    std::vector<Pair> values;
    for (uint32_t i = 0; i < 2000; ++i) {
      values.emplace_back(static_cast<uint32_t>(random.Below(uint64_t{1} << bits)), i);
    }
    std::vector<Pair> expected = values;
    std::stable_sort(expected.begin(), expected.end(),
                     [&](const Pair& a, const Pair& b) { return key(a) < key(b); });
    RadixSort(bits, key, &values, &scratch);
    EXPECT_EQ(values, expected) << bits << " bits";
  }
}

TEST(RadixSortTest, SortsNothing) {
  std::vector<uint32_t> values;
  std::vector<uint32_t> scratch;
  RadixSort(
      18, [](uint32_t value) { return value; }, &values, &scratch);
  EXPECT_TRUE(values.empty());
}

}  // namespace
}  // namespace limbeck::trainer
