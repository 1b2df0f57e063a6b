#include "gateway/teachers/gemini/service_account.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "absl/strings/escaping.h"
#include "absl/strings/str_split.h"
#include "gateway/teachers/gemini/service_account_test_support.h"

namespace limbeck::gateway {
namespace {

using nlohmann::json;

const absl::Time kNow = absl::FromUnixSeconds(1'700'000'000);

std::string Decoded(const std::string& part) {
  std::string text;
  EXPECT_TRUE(absl::WebSafeBase64Unescape(part, &text));
  return text;
}

TEST(ServiceAccountTest, TheAssertionSaysWhoAsksForWhatAndIsSigned) {
  const testing::RsaKey key;
  const ServiceAccount account =
      ParseServiceAccount(Secret(testing::ServiceAccountJson(key))).value();
  const Secret assertion = SignAssertion(account, kNow).value();
  const std::vector<std::string> parts = absl::StrSplit(std::string(assertion.Reveal()), '.');
  ASSERT_EQ(parts.size(), 3u);
  EXPECT_EQ(json::parse(Decoded(parts[0])),
            json::parse(R"({"alg":"RS256","typ":"JWT","kid":"key-1"})"));
  EXPECT_EQ(json::parse(Decoded(parts[1])), json::parse(R"({
      "iss":"limbeck@p.iam.gserviceaccount.com","aud":"https://oauth2.googleapis.com/token",
      "scope":"https://www.googleapis.com/auth/cloud-platform",
      "iat":1700000000,"exp":1700003600})"));
  EXPECT_TRUE(key.Verifies(parts[0] + "." + parts[1], Decoded(parts[2])));
  EXPECT_FALSE(key.Verifies(parts[0] + ".x" + parts[1], Decoded(parts[2])));
}

TEST(ServiceAccountTest, EveryMissingMemberIsNamedAndNoneShown) {
  const testing::RsaKey key;
  for (const char* member : {"type", "client_email", "token_uri", "private_key"}) {
    json text = json::parse(testing::ServiceAccountJson(key));
    text[member] = "wrong";
    if (std::string(member) == "client_email") text.erase(member);
    const absl::Status status = ParseServiceAccount(Secret(text.dump())).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << member;
    EXPECT_EQ(status.message().find("PRIVATE"), absl::string_view::npos);
  }
  for (const char* text : {"", "[]", "{", "ya29.token"}) {
    EXPECT_FALSE(ParseServiceAccount(Secret(text)).ok()) << text;
  }
}

TEST(ServiceAccountTest, TheTokenEndpointIsAskedOverTls) {
  const testing::RsaKey key;
  json text = json::parse(testing::ServiceAccountJson(key));
  text["token_uri"] = "http://oauth2.googleapis.com/token";
  EXPECT_FALSE(ParseServiceAccount(Secret(text.dump())).ok());
}

}  // namespace
}  // namespace limbeck::gateway
