#include "trainer/evaluation/verdict.h"

#include <gtest/gtest.h>

namespace limbeck::trainer {
namespace {

TEST(DecideTest, AcceptsAnIntervalWithinTheMargin) {
  EXPECT_EQ(Decide({-0.01, -0.03, 0.01}, 0.03, 100).verdict, StudentVerdict::kAccept);
  EXPECT_EQ(Decide({0.05, 0.02, 0.08}, 0.0, 100).verdict, StudentVerdict::kAccept);
}

TEST(DecideTest, RejectsAnIntervalOutsideTheMargin) {
  EXPECT_EQ(Decide({-0.08, -0.12, -0.04}, 0.03, 100).verdict, StudentVerdict::kReject);
}

TEST(DecideTest, ExtrapolatesRowsWithTheSquareRoot) {
  // Distance .02, reach .04: the width must halve, so four times the rows.
  const VerdictResult above = Decide({-0.01, -0.05, 0.03}, 0.03, 100);
  EXPECT_EQ(above.verdict, StudentVerdict::kInconclusive);
  EXPECT_NEAR(above.rows_needed, 300, 1);
  const VerdictResult below = Decide({-0.05, -0.09, -0.01}, 0.03, 100);
  EXPECT_EQ(below.verdict, StudentVerdict::kInconclusive);
  EXPECT_NEAR(below.rows_needed, 300, 1);
}

TEST(DecideTest, CapsRowsForADifferenceOnTheMargin) {
  EXPECT_EQ(Decide({-0.03, -0.05, -0.01}, 0.03, 100).rows_needed, kMaxRowsNeeded);
  EXPECT_EQ(Decide({0, 0, 0}, 0.03, 0).verdict, StudentVerdict::kInconclusive);
}

TEST(VerdictSentenceTest, NamesMetricIntervalAndMargin) {
  const Interval difference{-0.01, -0.05, 0.03};
  const std::string sentence = VerdictSentence(
      {StudentVerdict::kInconclusive, 300}, DecisionMetric::kMacroF1, difference, 0.03, 0.95, 100);
  EXPECT_EQ(sentence,
            "Undecided: the student's macro F1 differs from the teacher's by -0.010 (95 % interval "
            "-0.050 to +0.030, 100 held-out rows; allowed −0.030); about 300 more held-out rows "
            "would decide.");
  EXPECT_EQ(VerdictSentence({StudentVerdict::kAccept, 0}, DecisionMetric::kAccuracy, difference,
                            0.06, 0.95, 100)
                .rfind("The student may replace the teacher: its accuracy", 0),
            0u);
}

}  // namespace
}  // namespace limbeck::trainer
