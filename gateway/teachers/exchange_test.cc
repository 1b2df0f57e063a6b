#include "gateway/teachers/exchange.h"

#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <memory>

#include "base/file.h"

namespace limbeck::gateway {
namespace {

TEST(ExchangeTest, RequestsCarryTheTeachersLimitsAndTheQuerysIdentity) {
  TeacherConfig config;
  config.timeouts.idle = absl::Seconds(3);
  config.max_response_bytes = 7;
  TeacherQuery query;
  query.messages = {{Role::kUser, "x"}};
  const http::Request request = NewRequest(config, query, "http://h/p", "{}");
  EXPECT_EQ(request.method, "POST");
  EXPECT_EQ(request.url, "http://h/p");
  EXPECT_EQ(request.idle_timeout, absl::Seconds(3));
  EXPECT_EQ(request.max_response_bytes, 7u);
  ASSERT_EQ(request.headers.size(), 2u);
  query.messages[0].content = "y";
  EXPECT_NE(NewRequest(config, query, "", "").headers[1].value, request.headers[1].value);
}

TEST(ExchangeTest, UserJsonIsCheckedForSyntaxAndDepth) {
  EXPECT_TRUE(CheckUserJson("f", R"({"a":[1,{"b":null}]})").ok());
  EXPECT_EQ(CheckUserJson("f", "{").message(), "f is not JSON");
  EXPECT_EQ(CheckUserJson("f", "").message(), "f is not JSON");
  const auto nested = [](size_t depth) {
    return std::string(depth, '[') + std::string(depth, ']');
  };
  EXPECT_TRUE(CheckUserJson("f", nested(kMaxUserJsonDepth)).ok());
  EXPECT_EQ(CheckUserJson("f", nested(100'000)).message(), "f nests deeper than 100 levels");
  EXPECT_FALSE(CheckUserJson("f", std::string(100'000, '[')).ok());
}

TEST(ExchangeTest, BrokenStreamsMayHaveBeenBilled) {
  http::Response response;
  response.status_code = 200;
  EXPECT_EQ(StreamCut(response).cls, FailureClass::kRetryable);
  EXPECT_TRUE(StreamCut(response).may_have_been_billed);
  const Failure busy = StreamError(
      response, {"error", R"({"type":"error","error":{"type":"overloaded_error"}})"}, absl::Time());
  EXPECT_EQ(busy.cls, FailureClass::kRetryable);
  EXPECT_EQ(busy.reason, "overloaded_error");
  EXPECT_TRUE(busy.may_have_been_billed);
  EXPECT_NE(StreamError(response, {"error", "plain words"}, absl::Time()).message.find("plain"),
            std::string::npos);
  EXPECT_EQ(StreamTooLarge(response, absl::ResourceExhaustedError("m")).cls,
            FailureClass::kGarbled);
}

TEST(ExchangeTest, TheKeyIsTheFilesOfThisMoment) {
  const ScopedTempDirectory directory;
  const std::string path = (directory.path() / "key").string();
  TeacherConfig config;
  EXPECT_TRUE(KeyOf(config).empty());
  config.api_key = Secret("key-of-the-start");
  EXPECT_TRUE(KeyOf(config).Matches("key-of-the-start"));
  config.access_token = std::make_shared<TokenFile>(path);
  EXPECT_TRUE(KeyOf(config).Matches("key-of-the-start"));  // The file is not there.
  ASSERT_TRUE(WriteFileDurably(path, "first-key-of-the-file").ok());
  EXPECT_TRUE(KeyOf(config).Matches("first-key-of-the-file"));
  ASSERT_TRUE(WriteFileDurably(path, "second-key-of-the-file").ok());
  std::filesystem::last_write_time(
      path, std::filesystem::last_write_time(path) + std::chrono::seconds(1));
  EXPECT_TRUE(KeyOf(config).Matches("second-key-of-the-file"));
}

}  // namespace
}  // namespace limbeck::gateway
