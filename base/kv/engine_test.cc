#include "base/kv/engine.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>

#include "base/hash.h"
#include "base/kv/open.h"

namespace limbeck::kv {
namespace {

std::string Framed(const std::vector<std::string>& parts) {
  std::string key;
  for (const std::string& part : parts) AppendOrderedString(&key, part);
  return key;
}

TEST(PrefixEndTest, IsTheNextPrefix) {
  EXPECT_EQ(PrefixEnd("ab"), "ac");
  EXPECT_EQ(PrefixEnd("a\xff\xff"), "b");
  EXPECT_EQ(PrefixEnd("\xff\xff"), "");
  EXPECT_EQ(PrefixEnd(""), "");
  EXPECT_EQ(PrefixEnd("\x7f"), "\x80");
}

TEST(OrderedU64Test, RoundTripsAndSortsAsNumbers) {
  std::vector<uint64_t> values = {
      0, 1, 255, 256, 1 << 16, uint64_t{1} << 63, std::numeric_limits<uint64_t>::max()};
  std::string last;
  for (const uint64_t value : values) {
    std::string key;
    AppendOrderedU64(&key, value);
    EXPECT_LT(last, key);
    last = key;
    std::string_view rest = key;
    uint64_t read = 0;
    ASSERT_TRUE(ConsumeOrderedU64(&rest, &read));
    EXPECT_EQ(read, value);
    EXPECT_TRUE(rest.empty());
  }
}

TEST(OrderedStringTest, RoundTripsAnyBytesAndLeavesTheRest) {
  StableRandom random(1, 2);
  for (int i = 0; i < 500; ++i) {
    std::string part;
    for (uint64_t n = random.Below(12); n > 0; --n) {
      part +=
          "\x00\x01\xff"
          "a"[random.Below(4)];
    }
    std::string key = Framed({part});
    AppendOrderedU64(&key, 7);
    std::string_view rest = key;
    std::string read;
    uint64_t number = 0;
    ASSERT_TRUE(ConsumeOrderedString(&rest, &read));
    ASSERT_TRUE(ConsumeOrderedU64(&rest, &number));
    EXPECT_EQ(read, part);
    EXPECT_EQ(number, 7u);
  }
}

TEST(OrderedStringTest, KeysSortAsTheirPartLists) {
  std::vector<std::vector<std::string>> lists;
  const std::vector<std::string> parts = {"",
                                          std::string("\0", 1),
                                          std::string("\0\1", 2),
                                          std::string("\0\xff", 2),
                                          "\1",
                                          "a",
                                          "ab",
                                          std::string("a\0", 2),
                                          "b",
                                          "\xff"};
  for (const std::string& first : parts) {
    for (const std::string& second : parts) lists.push_back({first, second});
  }
  std::sort(lists.begin(), lists.end());
  for (size_t i = 1; i < lists.size(); ++i) EXPECT_LT(Framed(lists[i - 1]), Framed(lists[i]));
  EXPECT_NE(Framed({"a", "bc"}), Framed({"ab", "c"}));
}

TEST(OrderedPartsTest, MalformedInputIsRefused) {
  uint64_t number = 0;
  std::string part = "untouched";
  for (const std::string& bad :
       {std::string(), std::string("abc"), std::string("a\0", 2), std::string("a\0b", 3)}) {
    std::string_view key = bad;
    EXPECT_FALSE(ConsumeOrderedString(&key, &part));
    key = bad;
    EXPECT_FALSE(ConsumeOrderedU64(&key, &number));
  }
  EXPECT_EQ(part, "untouched");
}

TEST(OpenTest, UnknownDriverIsRefusedWithTheChoices) {
  OpenOptions options;
  options.driver = "papyrus";
  options.tables = {"a"};
  const absl::Status status = Open(options).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_NE(status.message().find("rocksdb, postgres, memory"), std::string::npos) << status;
}

TEST(OpenTest, MissingEmptyAndDoubledTableNamesAreRefused) {
  OpenOptions options;
  options.driver = "memory";
  for (const std::vector<std::string>& tables :
       std::vector<std::vector<std::string>>{{}, {""}, {"a", "a"}}) {
    options.tables = tables;
    EXPECT_EQ(Open(options).status().code(), absl::StatusCode::kInvalidArgument);
  }
  options.tables = {"a", "b"};
  EXPECT_TRUE(Open(options).ok());
}

}  // namespace
}  // namespace limbeck::kv
