#include "tests/support/fake_teacher/language.h"

#include <gtest/gtest.h>

namespace limbeck::testing {
namespace {

TEST(LanguageTest, ReadsLabelsFromThePrompt) {
  EXPECT_EQ(FindLabels("Answer with one word: animal, food or Plant. Definition: x"),
            (std::vector<std::string>{"animal", "food", "plant"}));
  EXPECT_TRUE(FindLabels("Write a poem.").empty());
}

TEST(LanguageTest, KeywordsDecideAndSoftnessBlurs) {
  LanguageOptions options;
  options.keywords = {{"good", "yes"}, {"bad", "no"}};
  const std::vector<std::string> labels = {"yes", "no"};
  const auto sharp = LabelDistribution(options, labels, "a good, good day");
  EXPECT_EQ(sharp[0].bytes, "yes");
  EXPECT_GT(sharp[0].probability, 0.85);
  EXPECT_EQ(LabelDistribution(options, labels, "bad bad")[0].bytes, "no");
  options.softness = 20;
  EXPECT_LT(LabelDistribution(options, labels, "a good, good day")[0].probability, 0.6);
}

TEST(LanguageTest, DistributionsSumToOneAndDescend) {
  for (const auto& all : {LabelDistribution({}, {"a", "b", "c"}, "some text"),
                          NextToken("prompt", "", 0), NextToken("prompt", " the", 9)}) {
    double sum = 0;
    for (size_t i = 0; i < all.size(); ++i) {
      sum += all[i].probability;
      if (i > 0) {
        EXPECT_LE(all[i].probability, all[i - 1].probability);
      }
    }
    EXPECT_NEAR(sum, 1, 1e-9);
  }
}

TEST(LanguageTest, DrawFollowsTheDistribution) {
  const std::vector<Likelihood> all = {{"a", 0.7}, {"b", 0.3}};
  EXPECT_EQ(Draw(all, 0, 0.99), 0u);
  EXPECT_EQ(Draw(all, 1, 0.69), 0u);
  EXPECT_EQ(Draw(all, 1, 0.71), 1u);
}

}  // namespace
}  // namespace limbeck::testing
