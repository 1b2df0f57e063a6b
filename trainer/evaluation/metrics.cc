#include "trainer/evaluation/metrics.h"

#include <algorithm>
#include <cmath>

namespace limbeck::trainer {

size_t ReliabilityBinOf(double confidence) {
  const double scaled = std::clamp(confidence, 0.0, 1.0) * kReliabilityBins;
  return std::min(kReliabilityBins - 1, static_cast<size_t>(scaled));
}

double Accuracy(std::span<const uint64_t> confusion, size_t labels) {
  uint64_t right = 0;
  uint64_t rows = 0;
  for (size_t i = 0; i < confusion.size(); ++i) {
    rows += confusion[i];
    if (i / labels == i % labels) right += confusion[i];
  }
  return rows == 0 ? 0.0 : static_cast<double>(right) / static_cast<double>(rows);
}

double MacroF1(std::span<const uint64_t> confusion, size_t labels) {
  double sum = 0.0;
  size_t seen = 0;
  for (size_t label = 0; label < labels; ++label) {
    uint64_t gold = 0;
    uint64_t predicted = 0;
    for (size_t other = 0; other < labels; ++other) {
      gold += confusion[label * labels + other];
      predicted += confusion[other * labels + label];
    }
    if (gold + predicted == 0) continue;
    ++seen;
    // 2·tp + fp + fn = gold + predicted.
    sum += 2.0 * static_cast<double>(confusion[label * labels + label]) /
           static_cast<double>(gold + predicted);
  }
  return seen == 0 ? 0.0 : sum / static_cast<double>(seen);
}

double ExpectedCalibrationError(std::span<const ReliabilityCell> bins) {
  double gap = 0.0;
  uint64_t rows = 0;
  for (const ReliabilityCell& bin : bins) {
    gap += std::abs(static_cast<double>(bin.right) - bin.confidence_sum);
    rows += bin.rows;
  }
  return rows == 0 ? 0.0 : gap / static_cast<double>(rows);
}

Tally::Tally(size_t labels) : labels_(labels) { Clear(); }

void Tally::Clear() {
  for (Side* side : {&student_, &teacher_}) {
    side->confusion.assign(labels_ * labels_, 0);
    side->bins.assign(kReliabilityBins, {});
  }
  rows_ = 0;
  agreeing_ = 0;
}

void Tally::AddSide(uint32_t gold, const Prediction& prediction, Side* side) {
  ++side->confusion[gold * labels_ + prediction.label];
  ReliabilityCell& bin = side->bins[ReliabilityBinOf(prediction.confidence)];
  ++bin.rows;
  bin.confidence_sum += prediction.confidence;
  bin.right += prediction.label == gold ? 1 : 0;
}

void Tally::Add(const EvaluatedRow& row) {
  AddSide(row.gold, row.student, &student_);
  AddSide(row.gold, row.teacher, &teacher_);
  ++rows_;
  agreeing_ += row.student.label == row.teacher.label ? 1 : 0;
}

double Tally::Agreement() const {
  return rows_ == 0 ? 0.0 : static_cast<double>(agreeing_) / static_cast<double>(rows_);
}

}  // namespace limbeck::trainer
