#include "gateway/teachers/model_listing.h"

#include <gtest/gtest.h>

namespace limbeck::gateway {
namespace {

std::optional<std::string> Retires(std::string_view body, std::string_view model) {
  const auto listed = ReadModelListing(body, model);
  EXPECT_TRUE(listed.ok()) << listed.status();
  if (!listed.ok() || !listed->has_value()) return std::nullopt;
  return (*listed)->retires_on;
}

TEST(ModelListingTest, ReadsOpenAisShutdownDate) {
  constexpr const char* kBody = R"({"object":"list","data":[
    {"id":"a","object":"model","created":1,"owned_by":"x","shutdown_date":"2027-03-31"},
    {"id":"b","object":"model","created":1,"owned_by":"x","shutdown_date":null},
    {"id":"c","object":"model"}]})";
  EXPECT_EQ(Retires(kBody, "a"), "2027-03-31");
  EXPECT_EQ(Retires(kBody, "b"), "");
  EXPECT_EQ(Retires(kBody, "c"), "");
  EXPECT_EQ(Retires(kBody, "d"), std::nullopt);
}

TEST(ModelListingTest, ReadsMistralsTimesAndAliases) {
  constexpr const char* kBody = R"({"object":"list","data":[
    {"id":"m-2508","aliases":["m-latest"],"deprecation":"2026-07-31T12:00:00Z"}]})";
  EXPECT_EQ(Retires(kBody, "m-2508"), "2026-07-31");
  EXPECT_EQ(Retires(kBody, "m-latest"), "2026-07-31");
}

TEST(ModelListingTest, WhatIsNoDateIsNoRetirement) {
  EXPECT_EQ(Retires(R"({"data":[{"id":"a","shutdown_date":"soon"}]})", "a"), "");
  EXPECT_EQ(Retires(R"({"data":[{"id":"a","shutdown_date":"2027/03/31"}]})", "a"), "");
  EXPECT_EQ(Retires(R"({"data":[{"id":"a","deprecation":true}, 7]})", "a"), "");
}

TEST(ModelListingTest, WhatIsNoListIsRefused) {
  for (const char* body : {"", "[]", "{}", "<html>", R"({"data":{}})"}) {
    EXPECT_EQ(ReadModelListing(body, "a").status().code(), absl::StatusCode::kInvalidArgument)
        << body;
  }
}

}  // namespace
}  // namespace limbeck::gateway
