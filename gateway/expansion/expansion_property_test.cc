// What holds of every expansion, tried on random ones. A failure names the seed that gives it
// again.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <set>
#include <tuple>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/hash.h"
#include "gateway/expansion/expansion.h"
#include "gateway/expansion/variant_space.h"

namespace limbeck::gateway {
namespace {

constexpr uint64_t kSeeds = 200;

ExpansionSpec RandomSpec(StableRandom& random) {
  ExpansionSpec spec;
  spec.rows = 1 + random.Below(20);
  spec.positions = 1 + static_cast<uint32_t>(random.Below(6));
  spec.noise_variants = static_cast<uint32_t>(random.Below(4));
  spec.samples = 1 + static_cast<uint32_t>(random.Below(5));
  return spec;
}

VariantSpaceSpec RandomSpace(StableRandom& random) {
  VariantSpaceSpec spec;
  spec.seed = random.Next();
  const uint64_t axes = random.Below(4);
  uint32_t cells = 1;
  for (uint64_t axis = 0; axis < axes; ++axis) {
    VariantAxis one{.name = absl::StrCat("axis ", axis)};
    const uint64_t values = 1 + random.Below(4);
    for (uint64_t i = 0; i < values; ++i) one.weights.push_back(0.1 + 5 * random.Uniform());
    cells *= static_cast<uint32_t>(values);
    spec.axes.push_back(std::move(one));
  }
  spec.draws = static_cast<uint32_t>(random.Below(std::min(cells, 8U) + 1));
  return spec;
}

TEST(ExpansionPropertyTest, IndicesAndQueriesAreOneToOne) {
  for (uint64_t seed = 0; seed < kSeeds; ++seed) {
    StableRandom random(seed, 1);
    const ExpansionSpec spec = RandomSpec(random);
    const auto expansion = Expansion::Create(spec);
    ASSERT_TRUE(expansion.ok()) << seed;
    std::set<std::tuple<uint64_t, uint32_t, uint32_t>> queries;
    for (uint64_t index = 0; index < expansion->size(); ++index) {
      const ExpansionItem item = expansion->At(index);
      ASSERT_LT(item.row, spec.rows) << seed;
      ASSERT_LT(item.variant, spec.positions * (spec.noise_variants + 1)) << seed;
      ASSERT_LT(item.sample, spec.samples) << seed;
      ASSERT_EQ(expansion->IndexOf(item), index) << seed;
      queries.insert({item.row, item.variant, item.sample});
    }
    ASSERT_EQ(queries.size(), expansion->size()) << seed;
    ASSERT_EQ(expansion->size(),
              spec.rows * spec.positions * (spec.noise_variants + 1) * spec.samples)
        << seed;
  }
}

TEST(ExpansionPropertyTest, HugeIndicesComeBackToo) {
  for (uint64_t seed = 0; seed < kSeeds; ++seed) {
    StableRandom random(seed, 2);
    ExpansionSpec spec = RandomSpec(random);
    spec.rows = uint64_t{1} << (20 + random.Below(30));
    spec.max_queries = UINT64_MAX;
    const auto expansion = Expansion::Create(spec);
    ASSERT_TRUE(expansion.ok()) << seed;
    for (int i = 0; i < 50; ++i) {
      const uint64_t index = random.Below(expansion->size());
      ASSERT_EQ(expansion->IndexOf(expansion->At(index)), index) << seed;
      if (index == 0) continue;
      // Order is that of (row, variant, sample): a restart at an index misses nothing before it.
      const auto key = [](const ExpansionItem& item) {
        return std::tuple(item.row, item.variant, item.sample);
      };
      ASSERT_LT(key(expansion->At(index - 1)), key(expansion->At(index))) << seed;
    }
  }
}

TEST(ExpansionPropertyTest, CombinationsAreTheSameInAnyOrderOfEvaluation) {
  for (uint64_t seed = 0; seed < kSeeds; ++seed) {
    StableRandom random(seed, 3);
    const VariantSpaceSpec spec = RandomSpace(random);
    const auto space = VariantSpace::Create(spec);
    ASSERT_TRUE(space.ok()) << seed << space.status();
    std::vector<std::tuple<uint64_t, uint32_t, uint32_t>> asked;
    for (uint64_t row = 0; row < 10; ++row) {
      std::set<uint32_t> of_row;
      for (uint32_t position = 0; position < space->per_row(); ++position) {
        const uint32_t cell = space->CellOf(row, position);
        ASSERT_LT(cell, space->cells()) << seed;
        ASSERT_EQ(space->CellFrom(space->ChoicesOf(cell)), cell) << seed;
        of_row.insert(cell);
        asked.emplace_back(row, position, cell);
      }
      ASSERT_EQ(of_row.size(), space->per_row()) << "a combination twice, seed " << seed;
    }
    // Another object, another order: Fisher and Yates.
    const auto again = VariantSpace::Create(spec);
    for (size_t i = asked.size(); i > 1; --i) std::swap(asked[i - 1], asked[random.Below(i)]);
    for (const auto& [row, position, cell] : asked) {
      ASSERT_EQ(again->CellOf(row, position), cell) << seed;
    }
  }
}

// Of n draws with probability p the count lies within five standard deviations, or the seeds below
// would have to be very unlucky: less than once in a million.
TEST(ExpansionPropertyTest, FirstDrawsFollowAnyWeights) {
  constexpr int kRows = 4000;
  for (uint64_t seed = 0; seed < 30; ++seed) {
    StableRandom random(seed, 4);
    VariantSpaceSpec spec = RandomSpace(random);
    spec.draws = 1;
    const auto space = VariantSpace::Create(spec);
    ASSERT_TRUE(space.ok()) << seed;
    std::vector<std::vector<double>> counts;
    for (const VariantAxis& axis : spec.axes) counts.emplace_back(axis.weights.size());
    for (uint64_t row = 0; row < kRows; ++row) {
      const auto choices = space->ChoicesOf(space->CellOf(StableRandom(row, 9).Next(), 0));
      for (size_t axis = 0; axis < choices.size(); ++axis) ++counts[axis][choices[axis]];
    }
    for (size_t axis = 0; axis < counts.size(); ++axis) {
      const auto& weights = spec.axes[axis].weights;
      const double all = std::accumulate(weights.begin(), weights.end(), 0.0);
      for (size_t i = 0; i < weights.size(); ++i) {
        const double p = weights[i] / all;
        ASSERT_NEAR(counts[axis][i], kRows * p, 5 * std::sqrt(kRows * p * (1 - p)) + 1)
            << "seed " << seed << ", axis " << axis << ", value " << i;
      }
    }
  }
}

}  // namespace
}  // namespace limbeck::gateway
