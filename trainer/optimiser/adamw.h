// AdamW (Loshchilov, Hutter, arXiv 1711.05101) over a student's parameters.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "trainer/students/student.h"

namespace limbeck::trainer {

struct AdamWOptions {
  double beta1 = 0.9;
  double beta2 = 0.999;
  double epsilon = 1e-8;
  double weight_decay = 0.01;
};

// Moments live here, values in the student. Row-sparse parameters are updated lazily: a step moves
// and decays only the rows its batch touched, so that cost follows the batch and not the table. The
// step counter of the bias correction is the run's. One thread.
class AdamW {
 public:
  // `parameters` must outlive this.
  AdamW(std::vector<Parameter>* parameters, const AdamWOptions& options);

  // Applies the parameters' gradients at `learning_rate`.
  void Step(double learning_rate);

  uint64_t steps() const { return steps_; }
  void set_steps(uint64_t steps) { steps_ = steps; }
  // Moments of parameter i, in the values' layout; for checkpoints and broadcasts.
  std::span<float> first_moment(size_t i) { return first_[i]; }
  std::span<float> second_moment(size_t i) { return second_[i]; }

 private:
  struct Coefficients;
  void UpdateRows(size_t parameter, const Coefficients& coefficients);

  std::vector<Parameter>* const parameters_;
  const AdamWOptions options_;
  std::vector<std::vector<float>> first_;
  std::vector<std::vector<float>> second_;
  uint64_t steps_ = 0;
};

// L2 norm over all gradients.
double GradientNorm(const std::vector<Parameter>& parameters);

// Scales all gradients down to L2 norm `max_norm` where they exceed it; returns the norm before.
double ClipGradients(std::vector<Parameter>* parameters, double max_norm);

}  // namespace limbeck::trainer
