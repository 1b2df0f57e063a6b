#include "trainer/evaluation/verdict.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace limbeck::trainer {
namespace {

// A difference exactly on the margin must not be decided by rounding.
constexpr double kRounding = 1e-12;

}  // namespace

VerdictResult Decide(const Interval& difference, double margin, uint64_t rows) {
  if (rows == 0) return {StudentVerdict::kInconclusive, 1};
  if (difference.low >= -margin - kRounding) return {StudentVerdict::kAccept, 0};
  if (difference.high < -margin) return {StudentVerdict::kReject, 0};
  // The side of the interval that reaches over the margin has to shrink to the distance left.
  const double distance = std::abs(difference.value + margin);
  const double reach = difference.value >= -margin ? difference.value - difference.low
                                                   : difference.high - difference.value;
  const double factor = distance > 0.0 ? reach / distance : INFINITY;
  const double total = std::ceil(static_cast<double>(rows) * factor * factor);
  const double more = total - static_cast<double>(rows);
  return {StudentVerdict::kInconclusive, more < static_cast<double>(kMaxRowsNeeded)
                                             ? std::max<uint64_t>(1, static_cast<uint64_t>(more))
                                             : kMaxRowsNeeded};
}

std::string MetricName(DecisionMetric metric) {
  switch (metric) {
    case DecisionMetric::kAccuracy:
      return "accuracy";
    case DecisionMetric::kAgreement:
      return "agreement";
    case DecisionMetric::kMacroF1:
      break;
  }
  return "macro F1";
}

std::string VerdictSentence(const VerdictResult& result, DecisionMetric metric,
                            const Interval& difference, double margin, double confidence,
                            uint64_t rows) {
  const std::string facts = absl::StrFormat(
      "%s differs from the %s by %+.3f (%g %% interval %+.3f to %+.3f, %d held-out rows; allowed "
      "−%.3f)",
      MetricName(metric), metric == DecisionMetric::kAgreement ? "perfect 1" : "teacher's",
      difference.value, 100.0 * confidence, difference.low, difference.high, rows, margin);
  switch (result.verdict) {
    case StudentVerdict::kAccept:
      return absl::StrCat("The student may replace the teacher: its ", facts, ".");
    case StudentVerdict::kReject:
      return absl::StrCat("The student may not replace the teacher: its ", facts, ".");
    case StudentVerdict::kInconclusive:
      break;
  }
  if (result.rows_needed >= kMaxRowsNeeded) {
    return absl::StrCat("Undecided: the student's ", facts,
                        "; the difference lies on the margin, so more rows would hardly decide.");
  }
  return absl::StrCat("Undecided: the student's ", facts, "; about ", result.rows_needed,
                      " more held-out rows would decide.");
}

}  // namespace limbeck::trainer
