#include "base/status.h"

#include <gtest/gtest.h>

namespace limbeck {
namespace {

TEST(AnnotateTest, KeepsCodeAndPayloads) {
  absl::Status status = absl::NotFoundError("no such key");
  status.SetPayload("type/x", absl::Cord("payload"));
  const absl::Status annotated = Annotate(status, "read record 7");
  EXPECT_EQ(annotated.code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(annotated.message(), "read record 7: no such key");
  EXPECT_EQ(*annotated.GetPayload("type/x"), "payload");
}

TEST(AnnotateTest, LeavesOkAlone) { EXPECT_TRUE(Annotate(absl::OkStatus(), "read").ok()); }

absl::StatusOr<int> Doubled(absl::StatusOr<int> in) {
  LIMBECK_ASSIGN_OR_RETURN(const int value, in);
  return 2 * value;
}

TEST(AssignOrReturnTest, AssignsOrPropagates) {
  EXPECT_EQ(Doubled(4).value(), 8);
  EXPECT_EQ(Doubled(absl::AbortedError("x")).status().code(), absl::StatusCode::kAborted);
}

}  // namespace
}  // namespace limbeck
