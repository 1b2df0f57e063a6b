// Each answer of testdata against the soft output that it must become.
#include <gtest/gtest.h>

#include "absl/strings/match.h"
#include "gateway/teachers/golden_test_support.h"
#include "gateway/teachers/ollama/ollama_provider.h"

namespace limbeck::gateway {
namespace {

class OllamaGoldenTest : public ::testing::TestWithParam<testing::GoldenCase> {
 protected:
  const OllamaProvider provider_;
};

TEST_P(OllamaGoldenTest, BecomesItsSoftOutputByteForByte) {
  EXPECT_EQ(testing::DescribeParse(provider_, GetParam().response), GetParam().golden);
}

TEST_P(OllamaGoldenTest, CutAnywhereItIsAFailure) {
  for (const http::Response& cut : testing::Cuts(GetParam().response)) {
    EXPECT_TRUE(absl::StartsWith(testing::DescribeParse(provider_, cut), "failure "))
        << "at " << cut.body.size();
  }
}

TEST_P(OllamaGoldenTest, DamagedItNeverCrashesNorInventsLogprobs) {
  testing::ExpectDamageIsHarmless(provider_, GetParam().response);
}

INSTANTIATE_TEST_SUITE_P(
    Answers, OllamaGoldenTest,
    ::testing::ValuesIn(testing::LoadGolden(OllamaProvider(), "gateway/teachers/ollama/testdata")),
    testing::GoldenName);

}  // namespace
}  // namespace limbeck::gateway
