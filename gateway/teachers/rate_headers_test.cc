#include "gateway/teachers/rate_headers.h"

#include <gtest/gtest.h>

namespace limbeck::gateway {
namespace {

const absl::Time kNow = absl::FromUnixSeconds(1'700'000'000);  // Tue, 14 Nov 2023 22:13:20 GMT

http::Response With(std::vector<http::Header> headers, int status = 429) {
  http::Response response;
  response.status_code = status;
  response.headers = std::move(headers);
  return response;
}

std::optional<absl::Duration> Wait(const std::string& value) {
  return RetryAfter(With({{"Retry-After", value}}), kNow);
}

TEST(RateHeadersTest, ReadsRetryAfterInAllItsForms) {
  EXPECT_EQ(Wait("3"), absl::Seconds(3));
  EXPECT_EQ(Wait("0.5"), absl::Milliseconds(500));
  EXPECT_EQ(Wait("Tue, 14 Nov 2023 22:14:20 GMT"), absl::Seconds(60));
  EXPECT_EQ(Wait("Tue, 14 Nov 2023 22:00:00 GMT"), absl::ZeroDuration());
  EXPECT_EQ(Wait("Tuesday, 14-Nov-23 22:14:20 GMT"), absl::Seconds(60));
  EXPECT_EQ(Wait("Tue Nov 14 22:14:20 2023"), absl::Seconds(60));
  EXPECT_EQ(Wait("0"), absl::ZeroDuration());
  EXPECT_EQ(Wait("86400"), absl::Hours(24));
  EXPECT_EQ(RetryAfter(With({{"retry-after", "9"}, {"retry-after-ms", "250"}}), kNow),
            absl::Milliseconds(250));
}

TEST(RateHeadersTest, NonsenseIsAbsentAndHugeValuesAreCut) {
  for (const char* value : {"", "NaN", "-5", "soon", "-inf", "12 parsecs"}) {
    EXPECT_FALSE(Wait(value).has_value()) << value;
  }
  for (const char* value : {"1e300", "inf", "99999999", "Fri, 14 Nov 2093 22:13:20 GMT"}) {
    EXPECT_EQ(Wait(value), kMaxWaitHint) << value;
  }
}

TEST(RateHeadersTest, ReadsResetDurations) {
  EXPECT_EQ(ParseResetDuration("12ms"), absl::Milliseconds(12));
  EXPECT_EQ(ParseResetDuration("6m0s"), absl::Minutes(6));
  EXPECT_EQ(ParseResetDuration("1.5s"), absl::Milliseconds(1500));
  EXPECT_EQ(ParseResetDuration("55"), absl::Seconds(55));
  EXPECT_FALSE(ParseResetDuration("-1").has_value());
  EXPECT_FALSE(ParseResetDuration("x").has_value());
  EXPECT_FALSE(ParseResetDuration("").has_value());
}

TEST(RateHeadersTest, ReadsOpenAiCounts) {
  const QuotaHints hints = OpenAiHints(With({{"x-ratelimit-remaining-requests", "7"},
                                             {"X-RateLimit-Remaining-Tokens", "-1"},
                                             {"x-ratelimit-reset-requests", "1s"}},
                                            200),
                                       kNow);
  EXPECT_EQ(hints.remaining_requests, 7);
  EXPECT_FALSE(hints.remaining_input_tokens.has_value());
  EXPECT_EQ(hints.reset_requests, absl::Seconds(1));
  EXPECT_FALSE(hints.retry_after.has_value());
}

TEST(RateHeadersTest, ReadsResetTimes) {
  EXPECT_EQ(ParseReset("2023-11-14T22:13:50Z", kNow), absl::Seconds(30));
  EXPECT_EQ(ParseReset("2023-11-14T22:13:50.5+00:00", kNow), absl::Milliseconds(30'500));
  EXPECT_EQ(ParseReset("2020-01-01T00:00:00Z", kNow), absl::ZeroDuration());
  EXPECT_EQ(ParseReset("1700000045", kNow), absl::Seconds(45));
  EXPECT_EQ(ParseReset("1700000045000", kNow), absl::Seconds(45));
  EXPECT_EQ(ParseReset("2m59.56s", kNow), absl::Milliseconds(179'560));
  EXPECT_FALSE(ParseReset("Thursday", kNow).has_value());
  EXPECT_FALSE(ParseReset("", kNow).has_value());
}

TEST(RateHeadersTest, OneCountOfTokensIsOfBothSides) {
  const QuotaHints hints = OpenAiHints(
      With({{"x-ratelimit-remaining-tokens", "149984"}, {"x-ratelimit-reset-tokens", "6ms"}}, 200),
      kNow);
  EXPECT_EQ(hints.remaining_total_tokens, 149'984);
  EXPECT_EQ(hints.reset_tokens, absl::Milliseconds(6));
  EXPECT_FALSE(hints.remaining_input_tokens.has_value());
}

TEST(RateHeadersTest, ReadsOtherHostsSpellings) {
  const QuotaHints fireworks = OpenAiHints(With({{"X-Ratelimit-Remaining-Tokens-Prompt", "60"},
                                                 {"X-Ratelimit-Remaining-Tokens-Generated", "70"}},
                                                200),
                                           kNow);
  EXPECT_EQ(fireworks.remaining_input_tokens, 60);
  EXPECT_EQ(fireworks.remaining_output_tokens, 70);
  const QuotaHints groq = OpenAiHints(With({{"x-ratelimit-limit-requests", "14400"},
                                            {"x-ratelimit-remaining-requests", "14370"},
                                            {"x-ratelimit-reset-requests", "2m59.56s"},
                                            {"x-ratelimit-remaining-tokens", "17997"},
                                            {"x-ratelimit-reset-tokens", "7.66s"}},
                                           200),
                                      kNow);
  EXPECT_EQ(groq.remaining_requests, 14'370);
  EXPECT_EQ(groq.reset_requests, absl::Milliseconds(179'560));
  const QuotaHints mistral = OpenAiHints(With({{"X-RateLimit-Remaining", "3"}}, 200), kNow);
  EXPECT_EQ(mistral.remaining_requests, 3);
  const QuotaHints usage = OpenAiHints(With({{"x-ratelimit-remaining-tokens_usage_based", "12"},
                                             {"x-ratelimit-reset-tokens_usage_based", "9s"}},
                                            200),
                                       kNow);
  EXPECT_EQ(usage.remaining_total_tokens, 12);
}

TEST(RateHeadersTest, NothingLeftWithoutAResetIsBelievedOfA429Only) {
  const std::vector<http::Header> headers = {{"x-ratelimit-remaining-requests", "0"}};
  EXPECT_FALSE(OpenAiHints(With(headers, 200), kNow).remaining_requests.has_value());
  EXPECT_EQ(OpenAiHints(With(headers, 429), kNow).remaining_requests, 0);
}

TEST(RateHeadersTest, ReadsAzuresMisspeltHeaderOn429Only) {
  const std::vector<http::Header> headers = {{"x-rate-limit-reset-tokens", "55"}};
  EXPECT_EQ(OpenAiHints(With(headers), kNow).retry_after, absl::Seconds(55));
  EXPECT_FALSE(OpenAiHints(With(headers, 200), kNow).retry_after.has_value());
}

TEST(RateHeadersTest, ReadsAnthropicCountsAndTimes) {
  const QuotaHints hints =
      AnthropicHints(With({{"anthropic-ratelimit-requests-remaining", "0"},
                           {"anthropic-ratelimit-requests-reset", "2023-11-14T22:13:50Z"},
                           {"anthropic-ratelimit-output-tokens-remaining", "80"},
                           {"anthropic-ratelimit-output-tokens-reset", "2023-11-14T22:13:40Z"},
                           {"anthropic-ratelimit-tokens-remaining", "90"},
                           {"anthropic-ratelimit-tokens-reset", "2023-11-14T22:13:45Z"}}),
                     kNow);
  EXPECT_EQ(hints.reset_output_tokens, absl::Seconds(20));
  EXPECT_FALSE(hints.remaining_total_tokens.has_value());
  EXPECT_EQ(hints.remaining_requests, 0);
  EXPECT_EQ(hints.remaining_output_tokens, 80);
  EXPECT_EQ(hints.reset_requests, absl::Seconds(30));
  const QuotaHints tightest =
      AnthropicHints(With({{"anthropic-ratelimit-tokens-remaining", "90"},
                           {"anthropic-ratelimit-tokens-reset", "2023-11-14T22:13:45Z"}}),
                     kNow);
  EXPECT_EQ(tightest.remaining_total_tokens, 90);
  EXPECT_EQ(tightest.reset_tokens, absl::Seconds(25));
}

TEST(RateHeadersTest, WaitsMayBeMisspeltOrOnlyInTheMessage) {
  EXPECT_EQ(WaitOf(With({{"x-rate-limit-reset-tokens", "55"}}), "", kNow), absl::Seconds(55));
  EXPECT_FALSE(WaitOf(With({{"x-rate-limit-reset-tokens", "55"}}, 200), "", kNow).has_value());
  const std::string said = "Too many. Please Retry After 86400 seconds.";
  EXPECT_EQ(WaitOf(With({}), said, kNow), absl::Hours(24));
  EXPECT_EQ(WaitOf(With({{"Retry-After", "2"}}), said, kNow), absl::Seconds(2));
  EXPECT_FALSE(WaitOf(With({}, 500), said, kNow).has_value());
  for (const char* vague : {"retry after lunch", "retry after 5", "retry after 5 moons",
                            "retry after -5 seconds", "retry after "}) {
    EXPECT_FALSE(WaitOf(With({}), vague, kNow).has_value()) << vague;
  }
}

TEST(RateHeadersTest, HostsMayNameTheirCountsOtherwise) {
  RateHeaderNames names;
  names.remaining_requests = "x-left";
  names.remaining_output_tokens = "x-out";
  names.reset_tokens = "";
  const http::Response response = With({{"X-Left", "3"},
                                        {"x-out", "4"},
                                        {"x-ratelimit-remaining-requests", "9"},
                                        {"x-ratelimit-reset-tokens", "1s"}},
                                       200);
  const QuotaHints hints = OpenAiHints(response, kNow, names);
  EXPECT_EQ(hints.remaining_requests, 3);
  EXPECT_EQ(hints.remaining_output_tokens, 4);
  EXPECT_FALSE(hints.reset_tokens.has_value());
}

TEST(RateHeadersTest, ShowsWhatProvidersSayOfTheirLimitsInAnySpelling) {
  const std::vector<RateHeader> headers =
      RateHeadersOf(With({{"Content-Type", "application/json"},
                          {"X-RateLimit-Limit-Requests", "500"},
                          {"x-ratelimit-remaining-tokens", "29990"},
                          {"anthropic-ratelimit-output-tokens-limit", "8000"},
                          {"anthropic-ratelimit-requests-reset", "2026-02-25T20:02:37Z"},
                          {"x-rate-limit-reset-tokens", "55"},
                          {"x-ratelimit-limit-tokens", "many\xff"},
                          {"Retry-After", "2"}},
                         200));
  ASSERT_EQ(headers.size(), 7u);
  EXPECT_EQ(headers[0].name, "x-ratelimit-limit-requests");
  EXPECT_EQ(headers[0].limit, 500);
  EXPECT_EQ(headers[1].value, "29990");
  EXPECT_FALSE(headers[1].limit.has_value());
  EXPECT_EQ(headers[2].limit, 8000);
  EXPECT_FALSE(headers[3].limit.has_value());
  EXPECT_FALSE(headers[4].limit.has_value());
  EXPECT_FALSE(headers[5].limit.has_value());
  EXPECT_EQ(headers[5].value, "many\xEF\xBF\xBD");
  EXPECT_EQ(headers[6].name, "retry-after");
}

TEST(RateHeadersTest, ManyAndLongHeadersAreCut) {
  std::vector<http::Header> many(100, {"x-ratelimit-remaining", std::string(1000, '1')});
  const std::vector<RateHeader> headers = RateHeadersOf(With(std::move(many), 200));
  EXPECT_EQ(headers.size(), 32u);
  EXPECT_EQ(headers[0].value.size(), 100u);
}

}  // namespace
}  // namespace limbeck::gateway
