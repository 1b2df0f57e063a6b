#include "base/error_details.h"

#include <gtest/gtest.h>

#include "base/status.h"

namespace limbeck {
namespace {

TEST(ErrorDetailsTest, ViolationsAndReasonTravelTogether) {
  const std::vector<FieldViolation> violations = {{"a.b[0]", "is 3:4, expected 5"}, {"", ""}};
  absl::Status status = WithFieldViolations(absl::InvalidArgumentError("bad"), violations);
  status = WithReason(status, "SPEC_INVALID", {{"line", "7"}, {"file", "a:b"}});
  status = Annotate(status, "create job");
  EXPECT_EQ(GetFieldViolations(status), violations);
  EXPECT_EQ(GetReason(status), (ErrorReason{"SPEC_INVALID", {{"line", "7"}, {"file", "a:b"}}}));
}

TEST(ErrorDetailsTest, PlainStatusHasNone) {
  EXPECT_TRUE(GetFieldViolations(absl::InternalError("x")).empty());
  EXPECT_EQ(GetReason(absl::InternalError("x")), std::nullopt);
  EXPECT_EQ(GetReason(WithReason(absl::OkStatus(), "X")), std::nullopt);
}

TEST(ErrorDetailsTest, ForeignPayloadUnderOurNameIsHarmless) {
  for (const char* bytes : {"", "x", "5:abc", "99999999999999999999:a", "-1:a", "1:a3:x"}) {
    absl::Status status = absl::InternalError("x");
    status.SetPayload("limbeck/error_reason", absl::Cord(bytes));
    status.SetPayload("limbeck/field_violations", absl::Cord(bytes));
    GetReason(status);
    EXPECT_TRUE(GetFieldViolations(status).empty());
  }
}

TEST(InvalidFieldsTest, ListsEveryViolation) {
  EXPECT_TRUE(InvalidFields("job", {}).ok());
  const absl::Status status = InvalidFields("job.yaml", {{"a", "is missing"}, {"b", "is 3"}});
  EXPECT_EQ(status.message(), "job.yaml has 2 problems:\n  a: is missing\n  b: is 3");
  EXPECT_EQ(GetFieldViolations(status).size(), 2u);
}

}  // namespace
}  // namespace limbeck
