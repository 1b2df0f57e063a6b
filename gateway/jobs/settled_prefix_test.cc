#include "gateway/jobs/settled_prefix.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <vector>

#include "base/hash.h"

namespace limbeck::gateway {
namespace {

ItemTally Usable() {
  ItemTally tally;
  tally.usable = 1;
  tally.cost = {.bought = 2, .micro_usd = 10, .squares = 50, .estimate_micro_usd = 12};
  return tally;
}

TEST(SettledPrefixTest, TheMarkStopsAtTheFirstOpenItem) {
  SettledPrefix prefix;
  for (const uint64_t index : {0, 2, 4}) prefix.Start(index, index + 2);
  prefix.Settle(4, Usable());
  EXPECT_EQ(prefix.mark().index, 0u);
  prefix.Settle(0, Usable());
  EXPECT_EQ(prefix.mark().index, 2u);
  EXPECT_EQ(prefix.mark().tally.usable, 1u);
  prefix.Settle(2, Usable());
  EXPECT_EQ(prefix.mark().index, 6u);
  EXPECT_EQ(prefix.mark().tally.usable, 3u);
  EXPECT_EQ(prefix.mark().tally.cost.bought, 6u);
  EXPECT_EQ(prefix.open(), 0u);
}

TEST(SettledPrefixTest, TheMarkPassesOverIndicesThatAskNothing) {
  SettledPrefix prefix(HarvestMark{.index = 10});
  prefix.Start(20, 21);
  EXPECT_EQ(prefix.mark().index, 10u);
  prefix.Settle(20, {.rejected = 1});
  EXPECT_EQ(prefix.mark().index, 21u);
  EXPECT_EQ(prefix.mark().tally.rejected, 1u);
}

TEST(SettledPrefixTest, AFrozenMarkStays) {
  SettledPrefix prefix;
  prefix.Start(0, 1);
  prefix.Settle(0, Usable());
  prefix.Start(1, 2);
  prefix.Freeze();
  prefix.Settle(1, Usable());
  prefix.Start(2, 3);
  prefix.Settle(2, Usable());
  EXPECT_EQ(prefix.mark().index, 1u);
  EXPECT_EQ(prefix.mark().tally.usable, 1u);
  EXPECT_EQ(prefix.open(), 0u);
}

// At every moment the mark counts exactly the items before it, whatever the order.
TEST(SettledPrefixTest, TheTallyIsThatOfTheItemsBeforeTheMark) {
  for (uint64_t seed = 0; seed < 20; ++seed) {
    StableRandom random(seed, 0);
    SettledPrefix prefix;
    std::vector<uint64_t> open;
    std::vector<uint64_t> settled;
    uint64_t started = 0;
    while (started < 200 || !open.empty()) {
      if (started < 200 && random.Below(2) == 0) {
        prefix.Start(started, started + 1);
        open.push_back(started++);
      } else if (!open.empty()) {
        const auto at = open.begin() + static_cast<ptrdiff_t>(random.Below(open.size()));
        ItemTally tally;
        tally.cost.micro_usd = static_cast<int64_t>(*at);
        tally.usable = 1;
        prefix.Settle(*at, tally);
        open.erase(at);
      }
      const uint64_t expected =
          open.empty() ? started : *std::min_element(open.begin(), open.end());
      ASSERT_EQ(prefix.mark().index, expected);
      ASSERT_EQ(prefix.mark().tally.usable, expected);
      ASSERT_EQ(prefix.mark().tally.cost.micro_usd,
                static_cast<int64_t>(expected * (expected - 1) / 2));
    }
  }
}

TEST(HarvestMarkTest, SurvivesItsEncoding) {
  HarvestMark mark{.index = 7, .size = 1000, .models = {"", std::string("a\0b", 3)}};
  mark.tally = Usable();
  mark.tally.leftover_sum = 0.25;
  const std::string bytes = EncodeMark(mark);
  const auto decoded = DecodeMark(bytes);
  ASSERT_TRUE(decoded.ok()) << decoded.status();
  EXPECT_EQ(EncodeMark(*decoded), bytes);
  EXPECT_EQ(decoded->index, 7u);
  EXPECT_EQ(decoded->tally.leftover_sum, 0.25);
  EXPECT_EQ(decoded->tally.cost.micro_usd, 10);
  EXPECT_EQ(decoded->models, mark.models);
  EXPECT_FALSE(DecodeMark("").ok());
  EXPECT_FALSE(DecodeMark(bytes.substr(0, 40)).ok());
  EXPECT_FALSE(DecodeMark(bytes + "x").ok());
  EXPECT_FALSE(DecodeMark("\x01" + bytes.substr(1)).ok());
}

}  // namespace
}  // namespace limbeck::gateway
