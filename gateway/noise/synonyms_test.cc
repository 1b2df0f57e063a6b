#include "gateway/noise/synonyms.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/match.h"

namespace limbeck::gateway {
namespace {

using ::testing::ElementsAre;

TEST(SynonymTableTest, FindsWordsInAnyCaseAndAddsTheirLinesUp) {
  const auto table = SynonymTable::Parse("big\tlarge, very large\r\n\nBig\thuge\ncafé\tbistro");
  ASSERT_TRUE(table.ok()) << table.status();
  EXPECT_THAT(*table->Find("BIG"), ElementsAre("large", "very large", "huge"));
  EXPECT_THAT(*table->Find("café"), ElementsAre("bistro"));
  EXPECT_EQ(table->Find("small"), nullptr);
  EXPECT_TRUE(SynonymTable::Parse("")->empty());
}

TEST(SynonymTableTest, FaultsNameTheirLine) {
  const auto message = [](std::string_view text) {
    return std::string(SynonymTable::Parse(text).status().message());
  };
  EXPECT_TRUE(absl::StrContains(message("a\tb\nc d"), "line 2 has no tab"));
  EXPECT_TRUE(absl::StrContains(message("a b\tc"), "line 1 has white space in the word"));
  EXPECT_TRUE(absl::StrContains(message("a\t , ,"), "line 1 has no synonym"));
  EXPECT_TRUE(absl::StrContains(message("a\t,x,\nb\t,"), "line 2 has no synonym"));
  EXPECT_TRUE(absl::StrContains(message("a\t\xff"), "line 1 is not UTF-8"));
  EXPECT_TRUE(absl::StrContains(message(std::string(kMaxSynonymBytes + 1, 'a')), "131073 bytes"));
}

}  // namespace
}  // namespace limbeck::gateway
