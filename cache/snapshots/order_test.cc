#include "cache/snapshots/order.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <set>

#include "base/hash.h"
#include "cache/snapshots/stream_plan.h"

namespace limbeck::cache {
namespace {

TEST(PermutationTest, IsABijectionForEverySmallSize) {
  for (uint64_t n = 1; n <= 300; ++n) {
    const Permutation permutation(n, n * 7);
    std::vector<bool> seen(n);
    for (uint64_t i = 0; i < n; ++i) {
      const uint64_t value = permutation.At(i);
      ASSERT_LT(value, n);
      ASSERT_FALSE(seen[value]);
      seen[value] = true;
    }
  }
}

TEST(PermutationTest, IsABijectionForALargeSize) {
  constexpr uint64_t kSize = 1'000'003;
  const Permutation permutation(kSize, 5);
  std::vector<bool> seen(kSize);
  for (uint64_t i = 0; i < kSize; ++i) seen[permutation.At(i)] = true;
  EXPECT_EQ(std::count(seen.begin(), seen.end(), true), static_cast<std::ptrdiff_t>(kSize));
}

TEST(PermutationTest, StaysInRangeForHugeSizes) {
  for (const uint64_t n : {uint64_t{1} << 40, (uint64_t{1} << 62) + 1}) {
    const Permutation permutation(n, 1);
    EXPECT_LT(permutation.At(0), n);
    EXPECT_LT(permutation.At(n - 1), n);
    EXPECT_NE(permutation.At(0), permutation.At(1));
  }
}

TEST(PermutationTest, MovesMostItemsFarAndNeighboursApart) {
  constexpr uint64_t kSize = 10'000;
  const Permutation permutation(kSize, 9);
  uint64_t neighbours = 0;
  double distance = 0;
  for (uint64_t i = 0; i + 1 < kSize; ++i) {
    const double step = static_cast<double>(permutation.At(i)) - permutation.At(i + 1);
    neighbours += std::abs(step) <= 1;
    distance += std::abs(step) / kSize;
  }
  EXPECT_LT(neighbours, 20u);
  EXPECT_NEAR(distance / kSize, 1.0 / 3, 0.02);  // As for independent uniform draws.
}

std::vector<uint32_t> SomePacks() {
  std::vector<uint32_t> packs;
  for (uint32_t i = 0; i < 37; ++i) packs.push_back(1 + i * 13 % 29);
  return packs;
}

TEST(EpochOrderTest, VisitsEveryItemOnce) {
  const std::vector<uint32_t> packs = SomePacks();
  for (const bool sequential : {false, true}) {
    const EpochOrder order(packs, 3, 1, sequential);
    EXPECT_EQ(order.size(), std::accumulate(packs.begin(), packs.end(), uint64_t{0}));
    std::set<std::pair<uint32_t, uint32_t>> seen;
    for (uint64_t i = 0; i < order.size(); ++i) {
      const ItemPlace place = order.At(i);
      ASSERT_LT(place.pack, packs.size());
      ASSERT_LT(place.item, packs[place.pack]);
      EXPECT_TRUE(seen.emplace(place.pack, place.item).second);
    }
  }
}

TEST(EpochOrderTest, SequentialIsStoredOrder) {
  const EpochOrder order({2, 1}, 3, 1, true);
  EXPECT_EQ(order.At(0), (ItemPlace{0, 0}));
  EXPECT_EQ(order.At(1), (ItemPlace{0, 1}));
  EXPECT_EQ(order.At(2), (ItemPlace{1, 0}));
}

TEST(EpochOrderTest, TouchesAFewPacksAtATime) {
  const EpochOrder order(SomePacks(), 3, 1, false);
  std::set<uint32_t> open, done;
  std::vector<uint32_t> left = SomePacks();
  for (uint64_t i = 0; i < order.size(); ++i) {
    const ItemPlace place = order.At(i);
    EXPECT_FALSE(done.contains(place.pack));
    open.insert(place.pack);
    EXPECT_LE(open.size(), kWindowPacks);
    if (--left[place.pack] == 0) {
      open.erase(place.pack);
      done.insert(place.pack);
    }
  }
}

uint64_t HashOfEpoch(const EpochOrder& order) {
  std::string places;
  for (uint64_t i = 0; i < order.size(); ++i) {
    const ItemPlace place = order.At(i);
    places += std::to_string(place.pack) + "/" + std::to_string(place.item) + " ";
  }
  return Xxh3(places);
}

TEST(EpochOrderTest, DependsOnSeedAndEpochAndNothingElse) {
  const uint64_t hash = HashOfEpoch(EpochOrder(SomePacks(), 1, 0, false));
  EXPECT_EQ(hash, HashOfEpoch(EpochOrder(SomePacks(), 1, 0, false)));
  EXPECT_NE(hash, HashOfEpoch(EpochOrder(SomePacks(), 2, 0, false)));
  EXPECT_NE(hash, HashOfEpoch(EpochOrder(SomePacks(), 1, 1, false)));
}

TEST(EpochOrderTest, VersionOneNeverChanges) {
  // Checkpoints name positions of this order; another value needs another kOrderVersion.
  EXPECT_EQ(kOrderVersion, 1);
  EXPECT_EQ(HashOfEpoch(EpochOrder(SomePacks(), 1, 0, false)), 16337654711487246683u);
}

// The global order that `world` workers see together, each batch put together by position.
std::vector<std::pair<uint32_t, uint64_t>> Union(StreamOptions options, uint64_t items,
                                                 uint32_t world) {
  std::vector<std::pair<uint32_t, uint64_t>> all;
  options.world_size = world;
  for (options.rank = 0; options.rank < world; ++options.rank) {
    auto plan = StreamPlan::Create(options, items);
    EXPECT_TRUE(plan.ok()) << plan.status();
    uint32_t epoch;
    uint64_t position;
    while (plan->Next(&epoch, &position)) all.emplace_back(epoch, position);
  }
  std::sort(all.begin(), all.end());
  return all;
}

TEST(StreamPlanTest, AnyNumberOfWorkersSeesEachPositionOnce) {
  StreamOptions options;
  options.global_batch = 16;
  options.epochs = 2;
  for (const uint64_t items : {1, 15, 16, 17, 100}) {
    std::vector<std::pair<uint32_t, uint64_t>> expected;
    for (uint32_t epoch = 0; epoch < 2; ++epoch) {
      for (uint64_t i = 0; i < items; ++i) expected.emplace_back(epoch, i);
    }
    for (const uint32_t world : {1, 2, 3, 5, 8, 16, 20}) {
      EXPECT_EQ(Union(options, items, world), expected) << items << " items, " << world;
    }
  }
}

TEST(StreamPlanTest, ResumesAtAnyBatchWithAnotherNumberOfWorkers) {
  StreamOptions options;
  options.global_batch = 8;
  options.epochs = 2;
  const auto whole = Union(options, 50, 1);
  for (uint64_t position = 0; position < 50; position += 8) {
    options.position = position;
    const auto rest = Union(options, 50, 3);
    EXPECT_TRUE(std::equal(rest.begin(), rest.end(), whole.begin() + position, whole.end()));
  }
}

TEST(StreamPlanTest, APositionAtTheEndStartsTheNextEpoch) {
  StreamOptions options;
  options.global_batch = 8;
  options.epochs = 2;
  for (const uint64_t position : {50, 56}) {
    options.position = position;
    const auto rest = Union(options, 50, 2);
    ASSERT_EQ(rest.size(), 50u);
    EXPECT_EQ(rest[0], (std::pair<uint32_t, uint64_t>(1, 0)));
  }
}

TEST(StreamPlanTest, RefusesOptionsThatMakeNoSense) {
  const auto refused = [](auto change) {
    StreamOptions options;
    options.global_batch = 4;
    change(&options);
    EXPECT_EQ(StreamPlan::Create(options, 10).status().code(), absl::StatusCode::kInvalidArgument);
  };
  refused([](StreamOptions* o) { o->global_batch = 0; });
  refused([](StreamOptions* o) { o->world_size = 0; });
  refused([](StreamOptions* o) { o->rank = 1; });
  refused([](StreamOptions* o) { o->position = 3; });
  EXPECT_FALSE(StreamPlan::Create(StreamOptions(), 0).ok());
}

TEST(CursorTest, RoundTripsUnder64Bytes) {
  const Cursor cursor{Sha256Hex("s"), UINT64_MAX, 7, 123};
  const std::string bytes = EncodeCursor(cursor);
  EXPECT_EQ(bytes.size(), kCursorBytes);
  EXPECT_LT(bytes.size(), 64u);
  ASSERT_TRUE(DecodeCursor(bytes).ok());
  EXPECT_EQ(*DecodeCursor(bytes), cursor);
  for (size_t i = 0; i < bytes.size(); ++i) {
    std::string damaged = bytes;
    damaged[i] ^= 1;
    EXPECT_FALSE(DecodeCursor(damaged).ok());
    EXPECT_FALSE(DecodeCursor(bytes.substr(0, i)).ok());
  }
}

}  // namespace
}  // namespace limbeck::cache
