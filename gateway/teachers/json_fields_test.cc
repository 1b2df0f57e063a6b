#include "gateway/teachers/json_fields.h"

#include <gtest/gtest.h>

#include "gateway/teachers/json_stream.h"

namespace limbeck::gateway {
namespace {

using nlohmann::json;

TEST(JsonFieldsTest, WhatIsAbsentNullOrOfAnotherTypeIsOne) {
  const json object = json::parse(R"({"s":"x","n":3,"f":1.5,"b":true,"z":null,"o":{"s":"y"}})");
  EXPECT_EQ(TextField(object, "s"), "x");
  EXPECT_EQ(TextField(object, "n"), "");
  EXPECT_EQ(TextField(object, "z"), "");
  EXPECT_EQ(TextField(object, "none"), "");
  EXPECT_EQ(TextField(Child(object, "o"), "s"), "y");
  EXPECT_EQ(TextField(Child(object, "s"), "s"), "");
  EXPECT_TRUE(Child(json(), "x").is_null());
  EXPECT_EQ(NumberField(object, "f"), 1.5);
  EXPECT_FALSE(NumberField(object, "s").has_value());
  EXPECT_TRUE(FlagField(object, "b"));
  EXPECT_FALSE(FlagField(object, "n"));
}

TEST(JsonFieldsTest, CountsAreWithinBounds) {
  EXPECT_EQ(CountField(json::parse(R"({"n":7})"), "n"), 7u);
  for (const char* text : {R"({"n":-1})", R"({"n":1e300})", R"({"n":"7"})", "[]", "3"}) {
    EXPECT_EQ(CountField(json::parse(text), "n"), 0u) << text;
  }
}

TEST(JsonFieldsTest, DeepNestingIsDiscardedWhateverItsDepth) {
  const auto nested = [](size_t depth) {
    return std::string(depth, '[') + std::string(depth, ']');
  };
  EXPECT_TRUE(ParseAnswerJson(nested(10)).is_array());
  EXPECT_TRUE(ParseAnswerJson(nested(1'000)).is_discarded());
  EXPECT_TRUE(ParseAnswerJson(nested(1'000'000)).is_discarded());
  EXPECT_TRUE(ParseAnswerJson(std::string(1'000'000, '[')).is_discarded());
  EXPECT_TRUE(ParseAnswerJson("{").is_discarded());
}

TEST(JsonFieldsTest, BodiesThatAreNotUtf8AreNotWritten) {
  json body;
  body["a"] = "\xc3\xa9";
  EXPECT_EQ(*DumpBody(body), "{\"a\":\"\xc3\xa9\"}");
  body["a"] = "\xff";
  EXPECT_EQ(DumpBody(body).status().code(), absl::StatusCode::kInvalidArgument);
}

TEST(JsonStreamTest, AWholeBodyIsOneValueAndAStreamItsEvents) {
  JsonEvents events = *ReadJsonEvents(R"({"a":1})");
  ASSERT_EQ(events.list.size(), 1u);
  EXPECT_FALSE(events.streamed);

  events = *ReadJsonEvents(": hello\n\ndata: {\"a\":1}\n\ndata: nonsense\n\ndata: [DONE]\n\n");
  ASSERT_EQ(events.list.size(), 2u);
  EXPECT_TRUE(events.streamed);
  EXPECT_FALSE(events.cut);
  EXPECT_EQ(CountField(events.list[0], "a"), 1u);
  EXPECT_TRUE(events.list[1].is_discarded());

  EXPECT_TRUE(ReadJsonEvents("data: {\"a\":1}\n\ndata: {\"b")->cut);
}

}  // namespace
}  // namespace limbeck::gateway
