// Quality of a classifier on rows with gold labels. Pure functions.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace limbeck::trainer {

// What one classifier says about one row.
struct Prediction {
  uint32_t label = 0;       // The chosen label.
  double confidence = 0.0;  // Its probability, 0 … 1.
};

// One held-out row.
struct EvaluatedRow {
  uint32_t gold = 0;
  Prediction student;
  Prediction teacher;
};

inline constexpr size_t kReliabilityBins = 10;

struct ReliabilityCell {
  uint64_t rows = 0;
  double confidence_sum = 0.0;
  uint64_t right = 0;
};

// Bin of equal width for a confidence; 1 belongs to the last.
size_t ReliabilityBinOf(double confidence);

// Accuracy from confusion[gold · labels + predicted]; 0 without rows.
double Accuracy(std::span<const uint64_t> confusion, size_t labels);

// Unweighted mean of F1 = 2·tp / (2·tp + fp + fn) over the labels that occur in gold or among the
// predictions: a label that never occurs in either says nothing and is left out.
double MacroF1(std::span<const uint64_t> confusion, size_t labels);

// Σ rows_b/n · |accuracy_b − confidence_b| (arXiv 1706.04599); 0 without rows.
double ExpectedCalibrationError(std::span<const ReliabilityCell> bins);

// Sums over rows that all metrics are made of; adding a row with a count is what a bootstrap
// resample does.
class Tally {
 public:
  explicit Tally(size_t labels);

  void Add(const EvaluatedRow& row);
  void Clear();

  // Metrics of student and teacher over the rows added.
  struct Side {
    std::vector<uint64_t> confusion;
    std::vector<ReliabilityCell> bins;
  };
  const Side& student() const { return student_; }
  const Side& teacher() const { return teacher_; }
  uint64_t rows() const { return rows_; }
  double Agreement() const;

 private:
  void AddSide(uint32_t gold, const Prediction& prediction, Side* side);

  const size_t labels_;
  Side student_;
  Side teacher_;
  uint64_t rows_ = 0;
  uint64_t agreeing_ = 0;
};

}  // namespace limbeck::trainer
