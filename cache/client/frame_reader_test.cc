#include "cache/client/frame_reader.h"

#include <gtest/gtest.h>

#include "base/hash.h"
#include "cache/snapshots/item_codec.h"
#include "limbeck/v1/cache_service.pb.h"

namespace limbeck::cache {
namespace {

// Three items: small, large, without records.
v1::StreamPacksResponse Frame() {
  v1::StreamPacksResponse frame;
  frame.set_epoch(3);
  frame.set_position(70);
  *frame.mutable_items() += EncodeItem({"row-0", "in", "gold", 2}, {"record", ""});
  *frame.mutable_items() += EncodeItem({"row-1", "", "", 0}, {std::string(500, 'x')});
  *frame.mutable_items() += EncodeItem({"row-2", "", "", 0}, {});
  frame.set_count(3);
  frame.set_checksum(Xxh3(frame.items()));
  for (const uint64_t position : {70, 71, 300}) frame.add_positions(position);
  return frame;
}

grpc::ByteBuffer Cut(const std::string& bytes, size_t size) {
  std::vector<grpc::Slice> slices;
  for (size_t i = 0; i < bytes.size(); i += size) slices.emplace_back(bytes.substr(i, size));
  return grpc::ByteBuffer(slices.data(), slices.size());
}

TEST(FrameReaderTest, ReadsTheSameHoweverTheMessageIsCut) {
  const std::string bytes = Frame().SerializeAsString();
  FrameReader reader;
  for (size_t size = 1; size <= bytes.size(); ++size) {
    ASSERT_TRUE(reader.Open(Cut(bytes, size)).ok());
    EXPECT_EQ(reader.item_bytes(), Frame().items().size());
    for (int i = 0; i < 3; ++i) {
      ASSERT_FALSE(reader.AtEnd());
      const auto item = reader.Next();
      ASSERT_TRUE(item.ok()) << item.status();
      EXPECT_EQ(item->epoch, 3u);
      EXPECT_EQ(item->position, Frame().positions(i));
      EXPECT_EQ(item->example.row_id, "row-" + std::to_string(i));
      EXPECT_EQ(item->records.size(), i == 0 ? 2u : i == 1 ? 1u : 0u);
      if (i == 1) {
        EXPECT_EQ(item->records[0], std::string(500, 'x'));
      }
    }
    EXPECT_TRUE(reader.AtEnd());
  }
}

TEST(FrameReaderTest, FieldsOfLaterVersionsAreSkipped) {
  // Fields 100 … 103 of every wire type that is in use.
  const std::string later(
      "\xa0\x06\x7f"
      "\xa9\x06"
      "12345678"
      "\xb2\x06\x02"
      "ab"
      "\xbd\x06"
      "1234",
      24);
  FrameReader reader;
  EXPECT_TRUE(reader.Open(Cut(later + Frame().SerializeAsString() + later, 7)).ok());
}

TEST(FrameReaderTest, EveryTruncationAndFlippedBitOfItemsIsDataLoss) {
  const std::string bytes = Frame().SerializeAsString();
  FrameReader reader;
  for (size_t size = 0; size < bytes.size(); ++size) {
    const absl::Status status = reader.Open(Cut(bytes.substr(0, size), 100));
    EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss) << size;
    EXPECT_TRUE(reader.AtEnd());
  }
  v1::StreamPacksResponse frame = Frame();
  for (size_t bit = 0; bit < 8 * frame.items().size(); ++bit) {
    (*frame.mutable_items())[bit / 8] ^= static_cast<char>(1 << (bit % 8));
    EXPECT_EQ(reader.Open(Cut(frame.SerializeAsString(), 100)).code(), absl::StatusCode::kDataLoss);
    (*frame.mutable_items())[bit / 8] ^= static_cast<char>(1 << (bit % 8));
  }
}

TEST(FrameReaderTest, AnyChangedByteOfTheMessageNeverCrashes) {
  const std::string bytes = Frame().SerializeAsString();
  FrameReader reader;
  for (size_t i = 0; i < bytes.size(); ++i) {
    for (const int value : {0, 1, 0x7f, 0x80, 0xff}) {
      std::string changed = bytes;
      changed[i] = static_cast<char>(value);
      if (!reader.Open(Cut(changed, 64)).ok()) continue;
      while (!reader.AtEnd() && reader.Next().ok()) {
      }
    }
  }
}

TEST(FrameReaderTest, ItemsThatDoNotAddUpAreDataLoss) {
  v1::StreamPacksResponse frame = Frame();
  FrameReader reader;
  frame.add_positions(301);
  EXPECT_EQ(reader.Open(Cut(frame.SerializeAsString(), 64)).code(), absl::StatusCode::kDataLoss);
  frame.set_count(4);
  ASSERT_TRUE(reader.Open(Cut(frame.SerializeAsString(), 64)).ok());
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(reader.Next().ok());
  EXPECT_EQ(reader.Next().status().code(), absl::StatusCode::kDataLoss);
  EXPECT_EQ(reader.Open(grpc::ByteBuffer()).code(), absl::StatusCode::kDataLoss);
}

}  // namespace
}  // namespace limbeck::cache
