#include "trainer/evaluation/bootstrap.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "base/hash.h"

namespace limbeck::trainer {
namespace {

enum Metric {
  kStudentAccuracy,
  kStudentF1,
  kStudentEce,
  kTeacherAccuracy,
  kTeacherF1,
  kTeacherEce,
  kAgreementShare,
  kDifference,
  kMetrics
};
using Values = std::array<double, kMetrics>;

Values Measure(const Tally& tally, size_t labels, DecisionMetric metric) {
  Values v = {};
  v[kStudentAccuracy] = Accuracy(tally.student().confusion, labels);
  v[kStudentF1] = MacroF1(tally.student().confusion, labels);
  v[kStudentEce] = ExpectedCalibrationError(tally.student().bins);
  v[kTeacherAccuracy] = Accuracy(tally.teacher().confusion, labels);
  v[kTeacherF1] = MacroF1(tally.teacher().confusion, labels);
  v[kTeacherEce] = ExpectedCalibrationError(tally.teacher().bins);
  v[kAgreementShare] = tally.Agreement();
  switch (metric) {
    case DecisionMetric::kMacroF1:
      v[kDifference] = v[kStudentF1] - v[kTeacherF1];
      break;
    case DecisionMetric::kAccuracy:
      v[kDifference] = v[kStudentAccuracy] - v[kTeacherAccuracy];
      break;
    case DecisionMetric::kAgreement:
      v[kDifference] = v[kAgreementShare] - 1.0;
      break;
  }
  return v;
}

}  // namespace

double Quantile(std::span<const double> sorted, double q) {
  const double position = std::clamp(q, 0.0, 1.0) * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<size_t>(position);
  const size_t above = std::min(below + 1, sorted.size() - 1);
  return sorted[below] + (position - static_cast<double>(below)) * (sorted[above] - sorted[below]);
}

Comparison Compare(std::span<const EvaluatedRow> rows, size_t labels,
                   const BootstrapOptions& options) {
  Tally all(labels);
  for (const EvaluatedRow& row : rows) all.Add(row);
  const Values point = Measure(all, labels, options.metric);
  std::array<std::vector<double>, kMetrics> draws;
  Tally resample(labels);
  for (uint32_t r = 0; r < options.resamples && !rows.empty(); ++r) {
    StableRandom random(options.seed, r);
    resample.Clear();
    for (size_t i = 0; i < rows.size(); ++i) resample.Add(rows[random.Below(rows.size())]);
    const Values values = Measure(resample, labels, options.metric);
    for (size_t m = 0; m < kMetrics; ++m) draws[m].push_back(values[m]);
  }
  const double tail = (1.0 - options.confidence) / 2.0;
  std::array<Interval, kMetrics> intervals;
  for (size_t m = 0; m < kMetrics; ++m) {
    intervals[m] = {point[m], point[m], point[m]};
    if (draws[m].empty()) continue;
    std::sort(draws[m].begin(), draws[m].end());
    intervals[m].low = Quantile(draws[m], tail);
    intervals[m].high = Quantile(draws[m], 1.0 - tail);
  }
  return {.student = {intervals[kStudentAccuracy], intervals[kStudentF1], intervals[kStudentEce]},
          .teacher = {intervals[kTeacherAccuracy], intervals[kTeacherF1], intervals[kTeacherEce]},
          .agreement = intervals[kAgreementShare],
          .difference = intervals[kDifference],
          .tally = all};
}

}  // namespace limbeck::trainer
