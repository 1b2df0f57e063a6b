// May the student replace the teacher? A pure function of the difference's interval.
#pragma once

#include <cstdint>
#include <string>

#include "trainer/evaluation/bootstrap.h"

namespace limbeck::trainer {

enum class StudentVerdict { kAccept, kReject, kInconclusive };

// More rows than this are reported as this many: nobody collects them.
inline constexpr uint64_t kMaxRowsNeeded = 100'000'000;

struct VerdictResult {
  StudentVerdict verdict = StudentVerdict::kInconclusive;
  // For kInconclusive: further held-out rows that would decide if the difference stayed as it is,
  // taking the interval's width to fall with the square root of the rows; else 0.
  uint64_t rows_needed = 0;
};

// Accept where the whole interval is at or above −margin, reject where it is below, else
// inconclusive. Without rows: inconclusive.
VerdictResult Decide(const Interval& difference, double margin, uint64_t rows);

// The verdict in one sentence for a person.
std::string VerdictSentence(const VerdictResult& result, DecisionMetric metric,
                            const Interval& difference, double margin, double confidence,
                            uint64_t rows);

// "macro F1", "accuracy" or "agreement".
std::string MetricName(DecisionMetric metric);

}  // namespace limbeck::trainer
