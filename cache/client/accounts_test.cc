#include "cache/client/accounts.h"

#include <gtest/gtest.h>

namespace limbeck::cache {
namespace {

absl::Time Utc(const std::string& text) {
  absl::Time time;
  EXPECT_TRUE(absl::ParseTime(absl::RFC3339_full, text, &time, nullptr));
  return time;
}

TEST(AccountsTest, MonthsAreThoseOfUtc) {
  EXPECT_EQ(MonthAccount("team/a", Utc("2026-11-30T23:59:59Z")), "team/a/2026-11");
  EXPECT_EQ(MonthAccount("team/a", Utc("2026-12-01T00:00:00Z")), "team/a/2026-12");
  EXPECT_EQ(MonthAccount("team/a", Utc("2026-12-01T00:30:00+01:00")), "team/a/2026-11");
}

TEST(AccountsTest, OnlyATeamsOwnAccountHasMonths) {
  EXPECT_TRUE(IsTeamAccount("team/a"));
  EXPECT_FALSE(IsTeamAccount("team/a/2026-11"));
  EXPECT_FALSE(IsTeamAccount("job/1"));
}

TEST(AccountsTest, MonthsAreWrittenInFull) {
  EXPECT_TRUE(IsMonth("2026-01"));
  EXPECT_TRUE(IsMonth("2026-12"));
  for (const char* wrong : {"", "2026", "2026-1", "2026-13", "2026-00", "26-11-1", "2026-11-01"}) {
    EXPECT_FALSE(IsMonth(wrong)) << wrong;
  }
}

}  // namespace
}  // namespace limbeck::cache
