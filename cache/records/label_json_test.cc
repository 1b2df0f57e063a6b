#include "cache/records/label_json.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace limbeck::cache {
namespace {

using ::testing::ElementsAre;
using ::testing::Optional;

const std::vector<std::string> kNames = {"good", "very \"bad\""};

TEST(LabelJsonTest, SchemasAreStrictAndKeepTheOrderOfLabels) {
  EXPECT_EQ(ChoiceSchema(kNames),
            R"({"type":"object","properties":{"label":{"type":"string","enum":["good",)"
            R"("very \"bad\""]}},"required":["label"],"additionalProperties":false})");
  EXPECT_EQ(ConfidenceSchema({"b", "a"}),
            R"({"type":"object","properties":{"b":{"type":"number","description":"Probability, 0 )"
            R"(to 1, that this is the right answer."},"a":{"type":"number","description":)"
            R"("Probability, 0 to 1, that this is the right answer."}},"required":["b","a"],)"
            R"("additionalProperties":false})");
}

TEST(LabelJsonTest, AChoiceMustValidate) {
  EXPECT_THAT(ParseChoice(R"( {"label": "good"} )", kNames), Optional(0u));
  EXPECT_THAT(ParseChoice(R"({"label": "very \"bad\""})", kNames), Optional(1u));
  for (const char* bad :
       {"", "good", R"({"label": "Good"})", R"({"label": "good", "why": 1})", R"({"label": 1})",
        R"(["good"])", R"({"label": "good"} and more)", "```json\n{\"label\": \"good\"}\n```",
        R"({"label": "good)", "null", "{\"label\": \"\xff\"}"}) {
    EXPECT_FALSE(ParseChoice(bad, kNames).has_value()) << bad;
  }
}

TEST(LabelJsonTest, ConfidencesMustValidate) {
  const std::vector<std::string> names = {"a", "b"};
  EXPECT_THAT(ParseConfidence(R"({"b": 0.25, "a": 3})", names), Optional(ElementsAre(3, 0.25)));
  for (const char* bad : {"", "{}", R"({"a": 1})", R"({"a": 1, "b": "0.5"})",
                          R"({"a": 1, "b": -1})", R"({"a": 1, "b": 1, "c": 1})",
                          R"({"a": 1, "b": null})", R"({"a": 1, "b": 1e999})", R"([0.5, 0.5])"}) {
    EXPECT_FALSE(ParseConfidence(bad, names).has_value()) << bad;
  }
}

TEST(LabelJsonTest, DeepAndLongAnswersAreRefusedNotFollowed) {
  EXPECT_FALSE(ParseChoice(std::string(500'000, '['), kNames).has_value());
  EXPECT_FALSE(ParseChoice("{\"label\": \"" + std::string(2u << 20, 'x') + "\"}", kNames));
}

}  // namespace
}  // namespace limbeck::cache
