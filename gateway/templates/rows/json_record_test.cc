#include "gateway/templates/rows/json_record.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace limbeck::gateway {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::StartsWith;

std::string Error(const std::string& record) {
  return std::string(ParseJsonRecord(record).status().message());
}

TEST(JsonRecordTest, TakesObjects) {
  EXPECT_EQ(ParseJsonRecord(R"({"a":"é","b":[1]})")->at("a"), "é");
}

TEST(JsonRecordTest, NamesTheColumnAndWhatWasExpected) {
  EXPECT_THAT(Error("{\"a\" 1}"),
              AllOf(StartsWith("not valid JSON at column 6: "), HasSubstr("expected ':'")));
  EXPECT_THAT(Error("{\"a\":1"), HasSubstr("unexpected end of input"));
  EXPECT_THAT(Error("{} x"), StartsWith("not valid JSON at column 4: "));
}

TEST(JsonRecordTest, RefusesWhatIsNoObject) {
  EXPECT_EQ(Error("[1]"), "not a JSON object but array; expected {\"column\": value, …}");
  EXPECT_THAT(Error("null"), HasSubstr("but null"));
}

TEST(JsonRecordTest, RefusesBytesThatAreNotUtf8AndLoneSurrogates) {
  EXPECT_THAT(Error("{\"a\":\"\xff\"}"), HasSubstr("not valid JSON at column 7"));
  EXPECT_THAT(Error(R"({"a":"\ud800"})"), HasSubstr("not valid JSON at column"));
}

TEST(JsonRecordTest, RefusesNumbersOutOfRange) {
  EXPECT_THAT(Error("{\"a\":1e999}"), HasSubstr("not valid JSON: "));
}

TEST(JsonRecordTest, RefusesDeepNestingWithoutDeepRecursion) {
  const std::string deep = "{\"a\":" + std::string(300'000, '[') + std::string(300'000, ']') + "}";
  EXPECT_EQ(Error(deep), "nested deeper than 16 levels");
  const std::string fine = "{\"a\":" + std::string(10, '[') + std::string(10, ']') + "}";
  EXPECT_TRUE(ParseJsonRecord(fine).ok());
}

TEST(JsonRecordTest, BracketsInTextsAndSideBySideAreNotNesting) {
  const std::string brackets(100, '[');
  EXPECT_EQ(ParseJsonRecord("{\"a\":\"" + brackets + "\"}")->at("a"), brackets);
  std::string pairs = "[]";
  for (int i = 0; i < 100; ++i) pairs += ",[]";
  EXPECT_EQ(ParseJsonRecord("{\"a\":[" + pairs + "]}")->at("a").size(), 101u);
}

}  // namespace
}  // namespace limbeck::gateway
