// Each answer of testdata against the soft output that it must become.
#include <gtest/gtest.h>

#include "absl/strings/match.h"
#include "gateway/teachers/gemini/gemini_provider.h"
#include "gateway/teachers/golden_test_support.h"

namespace limbeck::gateway {
namespace {

class GeminiGoldenTest : public ::testing::TestWithParam<testing::GoldenCase> {
 protected:
  const GeminiProvider provider_{GeminiHost::kDeveloper};
};

TEST_P(GeminiGoldenTest, BecomesItsSoftOutputByteForByte) {
  EXPECT_EQ(testing::DescribeParse(provider_, GetParam().response), GetParam().golden);
}

TEST_P(GeminiGoldenTest, CutAnywhereItIsAFailure) {
  for (const http::Response& cut : testing::Cuts(GetParam().response)) {
    EXPECT_TRUE(absl::StartsWith(testing::DescribeParse(provider_, cut), "failure "))
        << "at " << cut.body.size();
  }
}

TEST_P(GeminiGoldenTest, DamagedItNeverCrashesNorInventsLogprobs) {
  testing::ExpectDamageIsHarmless(provider_, GetParam().response);
}

INSTANTIATE_TEST_SUITE_P(
    Answers, GeminiGoldenTest,
    ::testing::ValuesIn(testing::LoadGolden(GeminiProvider(GeminiHost::kDeveloper),
                                            "gateway/teachers/gemini/testdata")),
    testing::GoldenName);

}  // namespace
}  // namespace limbeck::gateway
