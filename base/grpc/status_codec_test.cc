#include "base/grpc/status_codec.h"

#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "base/error_details.h"
#include "base/secret.h"
#include "google/rpc/status.pb.h"

namespace limbeck::rpc {
namespace {

TEST(StatusCodecTest, EveryCodeRoundTrips) {
  EXPECT_TRUE(FromGrpc(ToGrpc(absl::OkStatus())).ok());
  for (int code = 1; code <= 16; ++code) {
    const absl::Status status(static_cast<absl::StatusCode>(code), "message");
    EXPECT_EQ(FromGrpc(ToGrpc(status)), status);
  }
}

TEST(StatusCodecTest, DetailsRoundTrip) {
  absl::Status status = InvalidFields("spec", {{"a.b", "is missing"}, {"c[1]", "is 3"}});
  status = WithReason(status, "SPEC_INVALID", {{"file", "job.yaml"}});
  const absl::Status back = FromGrpc(ToGrpc(status));
  EXPECT_EQ(back, status);
  EXPECT_EQ(GetFieldViolations(back), GetFieldViolations(status));
  EXPECT_EQ(GetReason(back), GetReason(status));
}

TEST(StatusCodecTest, DetailsStayUnderTheTrailerLimitAndSayWhatIsMissing) {
  std::vector<FieldViolation> violations;
  for (int i = 0; i < 1000; ++i) {
    violations.push_back({absl::StrCat("rows[", i, "]"), std::string(30 + i, 'x')});
  }
  const absl::Status status =
      WithReason(InvalidFields("dataset", violations), "ROW_INVALID",
                 {{"a", std::string(9000, 'y')}, {"b", std::string(9000, 'y')}});
  const grpc::Status wire = ToGrpc(status);
  EXPECT_LT(wire.error_message().size() * 3 + wire.error_details().size(), 7500u);
  const std::vector<FieldViolation> back = GetFieldViolations(FromGrpc(wire));
  ASSERT_GT(back.size(), 20u);
  EXPECT_EQ(back[3], violations[3]);
  EXPECT_EQ(back.back().description, absl::StrCat("and ", 1000 - (back.size() - 1), " more"));
}

TEST(StatusCodecTest, BrokenUtf8AndSecretsDoNotLeave) {
  const Secret secret("hunter2-hunter2");
  const absl::Status status = WithFieldViolations(absl::InternalError("\xff hunter2-hunter2"),
                                                  {{"f\xff", "token hunter2-hunter2"}});
  const absl::Status back = FromGrpc(ToGrpc(status));
  EXPECT_EQ(back.message(), "\xef\xbf\xbd [redacted]");
  EXPECT_EQ(GetFieldViolations(back),
            (std::vector<FieldViolation>{{"f\xef\xbf\xbd", "token [redacted]"}}));
}

TEST(StatusCodecTest, MalformedDetailsAreDropped) {
  const grpc::Status wire(grpc::StatusCode::ABORTED, "x", "not a protobuf");
  EXPECT_EQ(FromGrpc(wire), absl::AbortedError("x"));
}

}  // namespace
}  // namespace limbeck::rpc
