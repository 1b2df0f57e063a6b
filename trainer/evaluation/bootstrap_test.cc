#include "trainer/evaluation/bootstrap.h"

#include <cmath>

#include <gtest/gtest.h>

#include "base/hash.h"

namespace limbeck::trainer {
namespace {

// Student right with probability `student`, teacher with `teacher`, independent.
std::vector<EvaluatedRow> MakeRows(size_t count, double student, double teacher) {
  StableRandom random(9, 0);
  std::vector<EvaluatedRow> rows;
  for (size_t i = 0; i < count; ++i) {
    EvaluatedRow row{.gold = static_cast<uint32_t>(i % 2)};
    row.student = {random.Uniform() < student ? row.gold : 1 - row.gold, 0.8};
    row.teacher = {random.Uniform() < teacher ? row.gold : 1 - row.gold, 0.9};
    rows.push_back(row);
  }
  return rows;
}

TEST(QuantileTest, IsLinearBetweenNeighbours) {
  const std::vector<double> sorted = {0, 10, 20, 30};
  EXPECT_DOUBLE_EQ(Quantile(sorted, 0.0), 0.0);
  EXPECT_DOUBLE_EQ(Quantile(sorted, 0.5), 15.0);
  EXPECT_DOUBLE_EQ(Quantile(sorted, 1.0), 30.0);
}

TEST(CompareTest, IntervalHasTheWidthThatTheoryGives) {
  const auto rows = MakeRows(400, 0.8, 0.9);
  const Comparison c = Compare(rows, 2, {.metric = DecisionMetric::kAccuracy});
  const double p = c.student.accuracy.value;
  const double expected = 2 * 1.96 * std::sqrt(p * (1 - p) / 400);
  EXPECT_NEAR(c.student.accuracy.high - c.student.accuracy.low, expected, 0.15 * expected);
  EXPECT_LE(c.student.accuracy.low, p);
  EXPECT_GE(c.student.accuracy.high, p);
  EXPECT_NEAR(c.difference.value, c.student.accuracy.value - c.teacher.accuracy.value, 1e-12);
}

TEST(CompareTest, EqualPredictionsHaveNoDifferenceAtAll) {
  auto rows = MakeRows(100, 0.7, 0.7);
  for (EvaluatedRow& row : rows) row.teacher = row.student;
  const Comparison c = Compare(rows, 2, {});
  EXPECT_DOUBLE_EQ(c.difference.low, 0.0);
  EXPECT_DOUBLE_EQ(c.difference.high, 0.0);
  EXPECT_DOUBLE_EQ(c.agreement.low, 1.0);
}

TEST(CompareTest, IsAFunctionOfItsSeed) {
  const auto rows = MakeRows(50, 0.8, 0.9);
  const Comparison a = Compare(rows, 2, {.seed = 4});
  EXPECT_EQ(a.difference.low, Compare(rows, 2, {.seed = 4}).difference.low);
  EXPECT_NE(a.difference.low, Compare(rows, 2, {.seed = 5}).difference.low);
}

TEST(CompareTest, AgreementComparesWithOne) {
  const auto rows = MakeRows(100, 0.8, 0.9);
  const Comparison c = Compare(rows, 2, {.metric = DecisionMetric::kAgreement});
  EXPECT_DOUBLE_EQ(c.difference.value, c.agreement.value - 1.0);
}

TEST(CompareTest, StandsNoRows) { EXPECT_DOUBLE_EQ(Compare({}, 2, {}).difference.high, 0.0); }

}  // namespace
}  // namespace limbeck::trainer
