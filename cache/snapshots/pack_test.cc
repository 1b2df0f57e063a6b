#include "cache/snapshots/pack.h"

#include <gtest/gtest.h>

#include "base/hash.h"
#include "cache/records/wire.h"
#include "cache/snapshots/item_codec.h"

namespace limbeck::cache {
namespace {

std::string SamplePack() {
  PackBuilder builder;
  builder.Add(EncodeItem({"row-1", "in", "gold", 2}, {"record", ""}));
  builder.Add(EncodeItem({}, {}));
  return builder.Take();
}

TEST(ItemCodecTest, RoundTripsItemsOneAfterAnother) {
  std::string bytes = EncodeItem({"row-1", std::string("\0x", 2), "", UINT32_MAX}, {"a", "", "b"});
  bytes += EncodeItem({}, {});
  std::string_view in = bytes;
  auto item = DecodeItem(&in);
  ASSERT_TRUE(item.ok()) << item.status();
  EXPECT_EQ(item->example.row_id, "row-1");
  EXPECT_EQ(item->example.input, std::string("\0x", 2));
  EXPECT_EQ(item->example.variant, UINT32_MAX);
  EXPECT_EQ(item->records, (std::vector<std::string>{"a", "", "b"}));
  item = DecodeItem(&in);
  ASSERT_TRUE(item.ok());
  EXPECT_TRUE(item->records.empty());
  EXPECT_TRUE(in.empty());
}

TEST(ItemCodecTest, AnyTruncationOrChangedByteIsSafe) {
  const std::string bytes = EncodeItem({"row-1", "in", "gold", 2}, {"record", "r"});
  for (size_t i = 0; i < bytes.size(); ++i) {
    std::string_view cut(bytes.data(), i);
    EXPECT_EQ(DecodeItem(&cut).status().code(), absl::StatusCode::kDataLoss);
    for (const int value : {0, 0x7f, 0x80, 0xff}) {
      std::string changed = bytes;
      changed[i] = static_cast<char>(value);
      std::string_view in = changed;
      const auto item = DecodeItem(&in);
      EXPECT_TRUE(item.ok() || item.status().code() == absl::StatusCode::kDataLoss);
    }
  }
}

TEST(PackTest, RoundTrips) {
  const auto pack = Pack::Open(SamplePack());
  ASSERT_TRUE(pack.ok()) << pack.status();
  ASSERT_EQ((*pack)->items(), 2u);
  EXPECT_EQ((*pack)->Item(0), EncodeItem({"row-1", "in", "gold", 2}, {"record", ""}));
  EXPECT_EQ((*pack)->Item(1), EncodeItem({}, {}));
}

TEST(PackTest, TheFormatIsPinned) {
  // Taken apart in docs/formats/pack.md.
  EXPECT_EQ(HexEncode(SamplePack()),
            "4c4d4250010000000200000025000000"
            "000000001c00000025000000"
            "1800000005726f772d3102696e04676f6c640202067265636f726400"
            "050000000000000000"
            "c1817aa070ff52ad");
}

TEST(PackTest, EveryTruncationAndEveryFlippedBitIsDataLoss) {
  const std::string bytes = SamplePack();
  for (size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_EQ(Pack::Open(bytes.substr(0, size)).status().code(), absl::StatusCode::kDataLoss);
  }
  for (size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    std::string damaged = bytes;
    damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << (bit % 8)));
    EXPECT_EQ(Pack::Open(damaged).status().code(), absl::StatusCode::kDataLoss);
  }
}

TEST(PackTest, SurvivesForgedNumbersWithAValidChecksum) {
  const std::string bytes = SamplePack();
  for (size_t i = 4; i < 28; ++i) {
    for (const int value : {0, 1, 0x7f, 0xff}) {
      std::string forged = bytes.substr(0, bytes.size() - 8);
      if (forged[i] == static_cast<char>(value)) continue;
      forged[i] = static_cast<char>(value);
      PutFixed<uint64_t>(&forged, Xxh3(forged));
      const auto pack = Pack::Open(forged);
      if (!pack.ok()) continue;
      for (uint32_t item = 0; item < (*pack)->items(); ++item) (void)(*pack)->Item(item);
    }
  }
}

}  // namespace
}  // namespace limbeck::cache
