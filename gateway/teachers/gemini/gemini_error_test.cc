#include "gateway/teachers/gemini/gemini_error.h"

#include <gtest/gtest.h>

#include <string>

#include "absl/strings/match.h"
#include "base/clock.h"

namespace limbeck::gateway {
namespace {

// 2023-11-14 14:13:20 in California.
const absl::Time kNow = absl::FromUnixSeconds(1'700'000'000);
// Midnight there, and five minutes.
const absl::Duration kUntilRenewal = absl::Seconds(9 * 3600 + 51 * 60 + 40);

http::Response QuotaError(const std::string& quota, int status = 429) {
  http::Response response;
  response.status_code = status;
  response.body = R"({"error":{"code":429,"message":"m","status":"RESOURCE_EXHAUSTED","details":[
      {"@type":"type.googleapis.com/google.rpc.QuotaFailure","violations":[{"quotaId":")" +
                  quota + R"("}]},
      {"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"36.5s"}]}})";
  return response;
}

TEST(GeminiErrorTest, RetryInfoIsTheWaitOfAMinuteQuota) {
  const http::Response response = QuotaError("GenerateRequestsPerMinutePerProject");
  const Failure failure = ClassifyGeminiError(response, response.body, kNow);
  EXPECT_EQ(failure.cls, FailureClass::kRateLimited);
  EXPECT_EQ(failure.reason, "RESOURCE_EXHAUSTED");
  EXPECT_EQ(failure.wait_hint, absl::Milliseconds(36'500));
  const QuotaHints hints = GeminiHints(response, kNow);
  EXPECT_EQ(hints.retry_after, absl::Milliseconds(36'500));
  EXPECT_FALSE(hints.exhausted_for.has_value());
}

TEST(GeminiErrorTest, Case03ADailyQuotaIsTriedOnceThenParksThePoolUntilItsRenewal) {
  const http::Response response = QuotaError("GenerateRequestsPerDayPerProject");
  const Failure failure = ClassifyGeminiError(response, response.body, kNow);
  EXPECT_EQ(failure.reason, "DAILY_QUOTA");
  EXPECT_EQ(failure.wait_hint, kUntilRenewal);
  EXPECT_TRUE(absl::StrContains(failure.message, "renewed at 20")) << failure.message;
  const QuotaHints hints = GeminiHints(response, kNow);
  EXPECT_EQ(hints.retry_after, absl::Milliseconds(36'500));
  EXPECT_EQ(hints.exhausted_for, kUntilRenewal);

  FakeClock clock(kNow);
  QuotaPool pool({}, &clock);
  const auto refused = [&] {
    const QuotaPool::Admission call = pool.Admit({});
    ASSERT_TRUE(call.admitted);
    EXPECT_FALSE(pool.Admit({}).admitted);  // One at a time.
    pool.Settle(call.lease, CallEnd::kRateLimited, {}, hints);
  };
  pool.Settle(pool.Admit({}).lease, CallEnd::kRateLimited, {}, hints);
  EXPECT_EQ(pool.state().parked_for, absl::Milliseconds(36'500));
  clock.Advance(absl::Seconds(37));
  refused();
  EXPECT_EQ(pool.state().parked_for, kUntilRenewal);
  // A new day may begin late: it is doubted once again.
  clock.Advance(kUntilRenewal);
  refused();
  EXPECT_LT(pool.state().parked_for, absl::Minutes(2));
  clock.Advance(absl::Minutes(2));
  pool.Settle(pool.Admit({}).lease, CallEnd::kAnswered, {}, {});
  EXPECT_TRUE(pool.Admit({}).admitted);
  EXPECT_TRUE(pool.Admit({}).admitted);
}

TEST(GeminiErrorTest, OtherStatusesSayNothingAboutQuotas) {
  const QuotaHints hints = GeminiHints(QuotaError("PerDay", 500), kNow);
  EXPECT_FALSE(hints.retry_after.has_value());
  EXPECT_FALSE(hints.exhausted_for.has_value());
}

TEST(GeminiErrorTest, AKeyThatIsNotValidStopsTheTeacherThoughItIsA400) {
  http::Response response;
  response.status_code = 400;
  response.body = R"([{"error":{"code":400,"message":"m","status":"INVALID_ARGUMENT","details":[
      {"reason":"API_KEY_INVALID"}]}}])";
  EXPECT_EQ(ClassifyGeminiError(response, response.body, kNow).cls, FailureClass::kStopTeacher);
}

TEST(GeminiErrorTest, DetailsOfAnyTypeAreRead) {
  http::Response response;
  response.status_code = 429;
  for (const char* details :
       {"3", "[3]", "[null]", R"([{"violations":3}])", R"([{"violations":[3],"retryDelay":3}])",
        R"([{"retryDelay":"-1s"}])", R"([{"retryDelay":"soon"}])"}) {
    response.body = std::string(R"({"error":{"code":429,"details":)") + details + "}}";
    EXPECT_FALSE(ClassifyGeminiError(response, response.body, kNow).wait_hint.has_value())
        << details;
  }
}

}  // namespace
}  // namespace limbeck::gateway
