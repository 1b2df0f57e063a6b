#include "gateway/teachers/openai/byte_list.h"

#include <gtest/gtest.h>

namespace limbeck::gateway {
namespace {

// The bytes of a usable list; "unusable" and "error" for the others.
std::string Read(std::string_view text) {
  std::string bytes = "left from before";
  bool usable = false;
  if (ReadByteList(text, &bytes, &usable) != simdjson::SUCCESS) return "error";
  return usable ? bytes : "unusable";
}

TEST(ByteListTest, ReadsBytesWhateverTheSpacing) {
  EXPECT_EQ(Read("[]"), "");
  EXPECT_EQ(Read("[ ]"), "");
  EXPECT_EQ(Read("[97,98]"), "ab");
  EXPECT_EQ(Read("[97, 98]\n  "), "ab");
  EXPECT_EQ(Read("[ 97 ,\t98\n]"), "ab");
  EXPECT_EQ(Read("[255,0,7]"), std::string("\xff\0\7", 3));
}

TEST(ByteListTest, ReadsListsLongerThanAnyToken) {
  std::string text = "[97";
  for (int i = 1; i < 1000; ++i) text += ",97";
  EXPECT_EQ(Read(text + "]"), std::string(1000, 'a'));
}

TEST(ByteListTest, OtherSpellingsOfABytesNumberCount) {
  EXPECT_EQ(Read("[97.0,9.8e1]"), "ab");
  EXPECT_EQ(Read("[97,98.0]"), "ab");
}

TEST(ByteListTest, NumbersThatAreNoBytesMakeTheListUnusable) {
  for (const char* text : {"[256]", "[97,55357]", "[-1]", "[97.5]", "[1e999]", "[97,1000]"}) {
    EXPECT_EQ(Read(text), "unusable") << text;
  }
}

TEST(ByteListTest, WhatIsNoListOfNumbersIsAnError) {
  for (const char* text : {"[97,]", "[,97]", "[97 98]", "[097]", "[00]", "[\"a\"]", "[null]", "[-]",
                           "[97}", "[97,{}]", "[97a]", "[[97]]"}) {
    EXPECT_EQ(Read(text), "error") << text;
  }
}

}  // namespace
}  // namespace limbeck::gateway
