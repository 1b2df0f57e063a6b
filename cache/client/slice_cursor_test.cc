#include "cache/client/slice_cursor.h"

#include <gtest/gtest.h>

namespace limbeck::cache {
namespace {

// `bytes` cut into pieces of `size`, with empty ones in between.
std::vector<grpc::Slice> Cut(const std::string& bytes, size_t size) {
  std::vector<grpc::Slice> slices;
  for (size_t i = 0; i < bytes.size(); i += size) {
    slices.emplace_back(bytes.substr(i, size));
    slices.emplace_back(std::string());
  }
  return slices;
}

TEST(SliceCursorTest, ReadsTheSameHoweverTheBytesAreCut) {
  const std::string bytes(
      "\x05\xac\x02"
      "\x01\x02\x03\x04\x05\x06\x07\x08"
      "abcdefghij",
      21);
  for (size_t size = 1; size <= bytes.size(); ++size) {
    const std::vector<grpc::Slice> slices = Cut(bytes, size);
    SliceCursor in(&slices);
    EXPECT_EQ(in.left(), bytes.size());
    uint64_t value = 0;
    std::string scratch;
    std::string_view view;
    ASSERT_TRUE(in.Varint(&value));
    EXPECT_EQ(value, 5u);
    ASSERT_TRUE(in.Varint(&value));
    EXPECT_EQ(value, 300u);
    ASSERT_TRUE(in.Fixed64(&value));
    EXPECT_EQ(value, 0x0807060504030201u);
    ASSERT_TRUE(in.Skip(2));
    ASSERT_TRUE(in.Bytes(6, &scratch, &view));
    EXPECT_EQ(view, "cdefgh");
    in.Truncate(1);
    EXPECT_EQ(in.Piece(), "i");
    EXPECT_FALSE(in.Bytes(2, &scratch, &view));
    EXPECT_FALSE(in.Skip(2));
    ASSERT_TRUE(in.Skip(1));
    EXPECT_TRUE(in.Piece().empty());
    EXPECT_FALSE(in.Varint(&value));
    EXPECT_FALSE(in.Fixed64(&value));
    EXPECT_TRUE(in.Bytes(0, &scratch, &view));
  }
}

TEST(SliceCursorTest, BytesWithinOnePieceAreNotCopied) {
  const std::vector<grpc::Slice> slices = Cut("abcdefgh", 4);
  SliceCursor in(&slices);
  std::string scratch;
  std::string_view view;
  ASSERT_TRUE(in.Bytes(4, &scratch, &view));
  EXPECT_EQ(static_cast<const void*>(view.data()), slices[0].begin());
  EXPECT_TRUE(scratch.empty());
}

TEST(SliceCursorTest, RefusesIntegersThatDoNotEnd) {
  const std::vector<grpc::Slice> slices = Cut(std::string(11, '\x80'), 3);
  SliceCursor in(&slices);
  uint64_t value = 0;
  EXPECT_FALSE(in.Varint(&value));
  EXPECT_EQ(SliceCursor().left(), 0u);
}

}  // namespace
}  // namespace limbeck::cache
