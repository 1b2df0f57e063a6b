#include "tests/support/http_parser.h"

#include <gtest/gtest.h>

namespace limbeck::testing {
namespace {

TEST(HttpParserTest, ReadsOneRequestAndLeavesThePipelinedNext) {
  const std::string first = "POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc";
  const std::string buffer = first + "GET /b HTTP/1.1\r\n\r\n";
  HttpRequest request;
  size_t used = 0;
  ASSERT_EQ(ParseHttpRequest(buffer, &request, &used), ParseResult::kComplete);
  EXPECT_EQ(used, first.size());
  EXPECT_EQ(request.method, "POST");
  EXPECT_EQ(request.target, "/a");
  EXPECT_EQ(request.header("HOST"), "x");
  EXPECT_EQ(request.body, "abc");
}

TEST(HttpParserTest, EveryPrefixIsIncompleteNotBad) {
  const std::string whole = "POST /a HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc";
  for (size_t length = 0; length < whole.size(); ++length) {
    HttpRequest request;
    size_t used = 0;
    EXPECT_EQ(ParseHttpRequest(whole.substr(0, length), &request, &used), ParseResult::kIncomplete);
  }
}

TEST(HttpParserTest, RefusesWhatItCannotFrame) {
  HttpRequest request;
  size_t used = 0;
  EXPECT_EQ(ParseHttpRequest("nonsense\r\n\r\n", &request, &used), ParseResult::kBad);
  EXPECT_EQ(
      ParseHttpRequest("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", &request, &used),
      ParseResult::kBad);
}

}  // namespace
}  // namespace limbeck::testing
