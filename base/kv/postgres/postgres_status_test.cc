#include "base/kv/postgres/postgres_status.h"

#include <gtest/gtest.h>

namespace limbeck::kv {
namespace {

absl::StatusCode CodeOf(std::string_view sqlstate) {
  return FromPostgres(sqlstate, "m", "a").code();
}

TEST(PostgresStatusTest, TellsWhatPassesFromWhatStays) {
  EXPECT_EQ(CodeOf(""), absl::StatusCode::kUnavailable);
  EXPECT_EQ(CodeOf("57P01"), absl::StatusCode::kUnavailable);  // Shutting down.
  EXPECT_EQ(CodeOf("25006"), absl::StatusCode::kUnavailable);  // A standby.
  EXPECT_EQ(CodeOf("53300"), absl::StatusCode::kUnavailable);  // Too many clients.
  EXPECT_EQ(CodeOf("53100"), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(CodeOf("28P01"), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(CodeOf("3D000"), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(CodeOf("XX001"), absl::StatusCode::kDataLoss);
  EXPECT_EQ(CodeOf("XX000"), absl::StatusCode::kInternal);
  EXPECT_EQ(CodeOf("54000"), absl::StatusCode::kInvalidArgument);  // A key above the limit.
  EXPECT_EQ(CodeOf("42601"), absl::StatusCode::kInternal);
}

TEST(PostgresStatusTest, ShowsActionMessageAndState) {
  EXPECT_EQ(FromPostgres("53100", "disk full\n", "write").message(),
            "write: disk full (SQLSTATE 53100)");
  EXPECT_EQ(FromPostgres("", "closed", "write").message(), "write: closed");
}

}  // namespace
}  // namespace limbeck::kv
