#include "gateway/expansion/expansion.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <string>

namespace limbeck::gateway {
namespace {

using ::testing::HasSubstr;

TEST(ExpansionTest, EnumeratesRowsThenVariantsThenSamples) {
  const auto expansion = Expansion::Create({.rows = 3, .noise_variants = 1, .samples = 2});
  ASSERT_TRUE(expansion.ok());
  ASSERT_EQ(expansion->size(), 12u);
  uint64_t index = 0;
  for (uint64_t row = 0; row < 3; ++row) {
    for (uint32_t variant = 0; variant < 2; ++variant) {
      for (uint32_t sample = 0; sample < 2; ++sample) {
        const ExpansionItem item{row, variant, sample};
        EXPECT_EQ(expansion->At(index), item);
        EXPECT_EQ(expansion->IndexOf(item), index++);
      }
    }
  }
}

TEST(ExpansionTest, AnyPositionOfAHugeSequenceIsDirect) {
  const auto expansion = Expansion::Create({.rows = 1ull << 50,
                                            .noise_variants = 16,
                                            .samples = 64,
                                            .max_queries = std::numeric_limits<uint64_t>::max()});
  ASSERT_TRUE(expansion.ok());
  const uint64_t last = expansion->size() - 1;
  EXPECT_EQ(expansion->At(last), (ExpansionItem{(1ull << 50) - 1, 16, 63}));
  EXPECT_EQ(expansion->IndexOf(expansion->At(last)), last);
}

TEST(ExpansionTest, EveryVariantIsRecomputableFromItsIndex) {
  const auto expansion = Expansion::Create(
      {.rows = 10'000'000 / 96, .positions = 6, .noise_variants = 3, .samples = 4});
  ASSERT_TRUE(expansion.ok()) << expansion.status();
  // Neither rows nor what was visited take memory.
  EXPECT_LE(sizeof(Expansion), 64u);
  uint64_t visited = 0;
  // A prime stride meets every remainder: all positions, noise variants and samples.
  for (uint64_t index = 0; index < expansion->size(); index += 9973) {
    const ExpansionItem item = expansion->At(index);
    ASSERT_EQ(expansion->IndexOf(item), index);
    const VariantParts parts = SplitVariant(item.variant, 3);
    ASSERT_LT(item.sample, 4u);
    ASSERT_LT(parts.position, 6u);
    ASSERT_LT(parts.noise, 4u);
    ASSERT_EQ(((item.row * 6 + parts.position) * 4 + parts.noise) * 4 + item.sample, index);
    ++visited;
  }
  EXPECT_GT(visited, 1000u);
  // A restart continues at an index: nothing before it is looked at.
  EXPECT_EQ(expansion->At(9'999'000).row, 9'999'000u / 96);
}

TEST(ExpansionTest, NoRowsGiveAnEmptySequence) {
  EXPECT_EQ(Expansion::Create({.rows = 0})->size(), 0u);
}

TEST(ExpansionTest, LimitsAreNamed) {
  const auto message = [](const ExpansionSpec& spec) {
    return std::string(Expansion::Create(spec).status().message());
  };
  EXPECT_THAT(message({.rows = 1, .noise_variants = 17}), HasSubstr("expected 0 … 16"));
  EXPECT_THAT(message({.rows = 1, .samples = 0}), HasSubstr("expected 1 … 1000"));
  EXPECT_THAT(message({.rows = 1, .positions = 0}), HasSubstr("expected 1 … 1024"));
  EXPECT_THAT(message({.rows = 1, .positions = 1024, .samples = 5}),
              HasSubstr("the limit of 4096 queries a row"));
  EXPECT_THAT(message({.rows = 6, .samples = 2, .max_queries = 11}),
              HasSubstr("the limit of 11 queries"));
  EXPECT_THAT(message({.rows = std::numeric_limits<uint64_t>::max(), .samples = 2}),
              HasSubstr("pass the limit"));
}

}  // namespace
}  // namespace limbeck::gateway
