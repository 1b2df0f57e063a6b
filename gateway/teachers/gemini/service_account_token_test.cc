#include "gateway/teachers/gemini/service_account_token.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/match.h"
#include "base/http/fake_transport.h"
#include "gateway/teachers/gemini/service_account_test_support.h"

namespace limbeck::gateway {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

class ServiceAccountTokenTest : public ::testing::Test {
 protected:
  ServiceAccountTokenTest()
      : token_(NewServiceAccountToken(
            ParseServiceAccount(Secret(testing::ServiceAccountJson(key_))).value(), &transport_,
            &clock_)) {}

  void Reply(const std::string& token) {
    transport_.AddReply(http::Answer(
        200, R"({"access_token":")" + token + R"(","expires_in":3600,"token_type":"Bearer"})"));
  }

  const testing::RsaKey key_;
  http::FakeTransport transport_;
  FakeClock clock_;
  const std::shared_ptr<AccessToken> token_;
};

TEST_F(ServiceAccountTokenTest, IsFetchedOnceAndRenewedBeforeItRunsOut) {
  Reply("token-number-1");
  EXPECT_EQ(token_->Current()->Reveal(), "token-number-1");
  clock_.Advance(absl::Minutes(54));
  EXPECT_EQ(token_->Current()->Reveal(), "token-number-1");
  ASSERT_EQ(transport_.requests().size(), 1u);
  const http::Request request = transport_.requests()[0];
  EXPECT_EQ(request.url, "https://oauth2.googleapis.com/token");
  EXPECT_THAT(request.body, StartsWith("grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3A"
                                       "jwt-bearer&assertion=ey"));

  clock_.Advance(absl::Minutes(2));
  transport_.Hold();
  Reply("token-number-2");
  // The old one serves while the new one is on its way, and only one exchange is.
  EXPECT_EQ(token_->Current()->Reveal(), "token-number-1");
  EXPECT_EQ(token_->Current()->Reveal(), "token-number-1");
  EXPECT_EQ(transport_.requests().size(), 2u);
  transport_.Release();
  EXPECT_EQ(token_->Current()->Reveal(), "token-number-2");
}

TEST_F(ServiceAccountTokenTest, WithoutATokenTheCallIsTriedAgain) {
  transport_.Hold();
  Reply("token-number-1");
  EXPECT_EQ(token_->Current().status().code(), absl::StatusCode::kUnavailable);
  transport_.Release();
  EXPECT_TRUE(token_->Current().ok());
}

TEST_F(ServiceAccountTokenTest, RefusalsAreToldAndNotRepeatedAtOnce) {
  transport_.AddReply(http::Answer(400, R"({"error":"invalid_grant"})"));
  const absl::Status refused = token_->Current().status();
  EXPECT_EQ(refused.code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(refused.message()), HasSubstr("invalid_grant"));
  EXPECT_FALSE(token_->Current().ok());
  EXPECT_EQ(transport_.requests().size(), 1u);
  clock_.Advance(absl::Seconds(11));
  Reply("token-number-1");
  EXPECT_TRUE(token_->Current().ok());
}

TEST_F(ServiceAccountTokenTest, AnswersThatAreNoTokenAreRefusals) {
  for (const char* body :
       {"", "[]", "{}", R"({"access_token":"x"})", R"({"access_token":"","expires_in":3600})",
        R"({"access_token":"some-token","expires_in":0})", "\xff"}) {
    transport_.AddReply(http::Answer(200, body));
    EXPECT_FALSE(token_->Current().ok()) << body;
    clock_.Advance(absl::Seconds(11));
  }
  transport_.AddReply(http::LostAnswer());
  EXPECT_FALSE(token_->Current().ok());
}

TEST_F(ServiceAccountTokenTest, AnExpiredTokenIsNotSent) {
  Reply("token-number-1");
  ASSERT_TRUE(token_->Current().ok());
  clock_.Advance(absl::Hours(2));
  transport_.AddReply(http::NeverSent());
  EXPECT_FALSE(token_->Current().ok());
}

}  // namespace
}  // namespace limbeck::gateway
