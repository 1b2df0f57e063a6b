// Paired bootstrap (Efron 1979): student and teacher are resampled on the same rows, so that what
// makes a row hard for both cancels out of their difference. Pure functions.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string_view>
#include <vector>

#include "trainer/evaluation/metrics.h"

namespace limbeck::trainer {

struct Interval {
  double value = 0.0;  // On all rows.
  double low = 0.0;
  double high = 0.0;
};

// Which metric the decision compares.
enum class DecisionMetric { kMacroF1, kAccuracy, kAgreement };

struct Comparison {
  struct Side {
    Interval accuracy;
    Interval macro_f1;
    Interval calibration_error;
  };
  Side student;
  Side teacher;
  Interval agreement;
  // metric(student) − metric(teacher); for kAgreement, agreement − 1.
  Interval difference;
  Tally tally;  // Of all rows.
};

struct BootstrapOptions {
  DecisionMetric metric = DecisionMetric::kMacroF1;
  double confidence = 0.95;
  uint32_t resamples = 2000;
  uint64_t seed = 1;
};

// Percentile intervals over `resamples` resamples drawn with replacement; equal inputs give equal
// intervals. All intervals collapse to their value without rows. Cost: resamples × rows.
Comparison Compare(std::span<const EvaluatedRow> rows, size_t labels,
                   const BootstrapOptions& options);

// The q-quantile of `sorted` (ascending, not empty), linear between neighbours.
double Quantile(std::span<const double> sorted, double q);

}  // namespace limbeck::trainer
