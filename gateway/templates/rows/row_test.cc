#include "gateway/templates/rows/row.h"

#include <gtest/gtest.h>

namespace limbeck::gateway {
namespace {

TEST(RowTest, ColumnTextIsTheStringOrTheJsonSpelling) {
  constexpr char kColumns[] = R"({"s":"é","n":1.5,"b":true,"z":null,"l":[1]})";
  EXPECT_EQ(*ColumnText(kColumns, "s"), "é");
  EXPECT_EQ(*ColumnText(kColumns, "n"), "1.5");
  EXPECT_EQ(*ColumnText(kColumns, "b"), "true");
  EXPECT_EQ(ColumnText(kColumns, "z").status().message(),
            "column 'z' is null; expected a string, number or boolean");
  EXPECT_FALSE(ColumnText(kColumns, "l").ok());
  EXPECT_EQ(ColumnText(kColumns, "x").status().message(), "no column 'x'");
}

TEST(RowTest, WithColumnTextReplacesOneColumn) {
  const auto changed = WithColumnText(R"({"a":"x","b":2})", "a", "say \"hi\"");
  ASSERT_TRUE(changed.ok());
  EXPECT_EQ(*changed, R"({"a":"say \"hi\"","b":2})");
  EXPECT_FALSE(WithColumnText("{}", "a", "\xff").ok());
}

}  // namespace
}  // namespace limbeck::gateway
