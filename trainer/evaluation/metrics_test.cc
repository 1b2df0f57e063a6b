#include "trainer/evaluation/metrics.h"

#include <gtest/gtest.h>

namespace limbeck::trainer {
namespace {

// Rows gold, columns predicted.
const std::vector<uint64_t> kConfusion = {5, 1, 0,  //
                                          2, 6, 2,  //
                                          0, 1, 3};

TEST(MetricsTest, GiveHandComputedValues) {
  EXPECT_DOUBLE_EQ(Accuracy(kConfusion, 3), 14.0 / 20.0);
  // F1: 10/13, 12/18, 6/9.
  EXPECT_DOUBLE_EQ(MacroF1(kConfusion, 3), (10.0 / 13 + 12.0 / 18 + 6.0 / 9) / 3);
}

TEST(MetricsTest, LeaveOutLabelsThatNeverOccur) {
  const std::vector<uint64_t> confusion = {3, 0, 0,  //
                                           0, 2, 0,  //
                                           0, 0, 0};
  EXPECT_DOUBLE_EQ(MacroF1(confusion, 3), 1.0);
  const std::vector<uint64_t> predicted_only = {3, 0, 1,  //
                                                0, 2, 0,  //
                                                0, 0, 0};
  EXPECT_DOUBLE_EQ(MacroF1(predicted_only, 3), (6.0 / 7 + 1 + 0) / 3);
}

TEST(MetricsTest, StandNoRows) {
  EXPECT_DOUBLE_EQ(Accuracy(std::vector<uint64_t>(4), 2), 0.0);
  EXPECT_DOUBLE_EQ(MacroF1(std::vector<uint64_t>(4), 2), 0.0);
  EXPECT_DOUBLE_EQ(ExpectedCalibrationError({}), 0.0);
}

TEST(MetricsTest, CalibrationErrorWeighsBinsByRows) {
  const std::vector<ReliabilityCell> bins = {{4, 2.0, 1}, {6, 5.4, 6}};
  // 4/10·|.25 − .5| + 6/10·|1 − .9| = .1 + .06.
  EXPECT_NEAR(ExpectedCalibrationError(bins), 0.16, 1e-12);
}

TEST(MetricsTest, BinsAreOfEqualWidthAndClosedAtOne) {
  EXPECT_EQ(ReliabilityBinOf(0.0), 0u);
  EXPECT_EQ(ReliabilityBinOf(0.05), 0u);
  EXPECT_EQ(ReliabilityBinOf(0.95), 9u);
  EXPECT_EQ(ReliabilityBinOf(1.0), 9u);
  EXPECT_EQ(ReliabilityBinOf(1.0000001), 9u);
}

TEST(TallyTest, CountsBothSidesAndAgreement) {
  Tally tally(2);
  tally.Add({.gold = 0, .student = {0, 0.9}, .teacher = {0, 0.8}});
  tally.Add({.gold = 1, .student = {0, 0.6}, .teacher = {1, 0.7}});
  EXPECT_EQ(tally.student().confusion, (std::vector<uint64_t>{1, 0, 1, 0}));
  EXPECT_EQ(tally.teacher().confusion, (std::vector<uint64_t>{1, 0, 0, 1}));
  EXPECT_DOUBLE_EQ(tally.Agreement(), 0.5);
  EXPECT_EQ(tally.student().bins[6].rows, 1u);
  tally.Clear();
  EXPECT_EQ(tally.rows(), 0u);
}

}  // namespace
}  // namespace limbeck::trainer
