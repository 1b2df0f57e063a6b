// Each answer of testdata against the soft output that it must become.
#include <gtest/gtest.h>

#include "absl/strings/match.h"
#include "gateway/teachers/golden_test_support.h"
#include "gateway/teachers/llamacpp/llamacpp_provider.h"

namespace limbeck::gateway {
namespace {

class LlamaCppGoldenTest : public ::testing::TestWithParam<testing::GoldenCase> {
 protected:
  const LlamaCppProvider provider_;
};

TEST_P(LlamaCppGoldenTest, BecomesItsSoftOutputByteForByte) {
  EXPECT_EQ(testing::DescribeParse(provider_, GetParam().response), GetParam().golden);
}

TEST_P(LlamaCppGoldenTest, CutAnywhereItIsAFailure) {
  for (const http::Response& cut : testing::Cuts(GetParam().response)) {
    EXPECT_TRUE(absl::StartsWith(testing::DescribeParse(provider_, cut), "failure "))
        << "at " << cut.body.size();
  }
}

TEST_P(LlamaCppGoldenTest, DamagedItNeverCrashesNorInventsLogprobs) {
  testing::ExpectDamageIsHarmless(provider_, GetParam().response);
}

INSTANTIATE_TEST_SUITE_P(Answers, LlamaCppGoldenTest,
                         ::testing::ValuesIn(testing::LoadGolden(
                             LlamaCppProvider(), "gateway/teachers/llamacpp/testdata")),
                         testing::GoldenName);

}  // namespace
}  // namespace limbeck::gateway
