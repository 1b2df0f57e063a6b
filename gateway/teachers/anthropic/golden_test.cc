// Each answer of testdata against the soft output that it must become.
#include <gtest/gtest.h>

#include "absl/strings/match.h"
#include "gateway/teachers/anthropic/anthropic_provider.h"
#include "gateway/teachers/golden_test_support.h"

namespace limbeck::gateway {
namespace {

class AnthropicGoldenTest : public ::testing::TestWithParam<testing::GoldenCase> {
 protected:
  const AnthropicProvider provider_;
};

TEST_P(AnthropicGoldenTest, BecomesItsSoftOutputByteForByte) {
  EXPECT_EQ(testing::DescribeParse(provider_, GetParam().response), GetParam().golden);
}

TEST_P(AnthropicGoldenTest, CutAnywhereItIsAFailure) {
  for (const http::Response& cut : testing::Cuts(GetParam().response)) {
    EXPECT_TRUE(absl::StartsWith(testing::DescribeParse(provider_, cut), "failure "))
        << "at " << cut.body.size();
  }
}

TEST_P(AnthropicGoldenTest, DamagedItNeverCrashesNorInventsLogprobs) {
  testing::ExpectDamageIsHarmless(provider_, GetParam().response);
}

INSTANTIATE_TEST_SUITE_P(Answers, AnthropicGoldenTest,
                         ::testing::ValuesIn(testing::LoadGolden(
                             AnthropicProvider(), "gateway/teachers/anthropic/testdata")),
                         testing::GoldenName);

}  // namespace
}  // namespace limbeck::gateway
