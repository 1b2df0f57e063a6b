// The objective of one row and its gradient in closed form. Pure and thread-safe.
#pragma once

#include <span>
#include <vector>

namespace limbeck::trainer {

// What the teacher (and gold) say about one row.
struct RowTarget {
  // Teacher's probability per label; with `leftover` they sum to 1.
  std::vector<double> probabilities;
  // Teacher's mass outside the labels.
  double leftover = 0.0;
  // Label of the hard term.
  size_t hard_label = 0;
};

struct ObjectiveSettings {
  double temperature = 1.0;  // > 0.
  double hard_weight = 0.0;  // 0 … 1.
};

// softmax(logits / temperature), stable for any finite logits.
std::vector<double> Softmax(std::span<const float> logits, double temperature);

// p_i^(1/T) / Σ p_j^(1/T): a distribution softened as its logits would be. Σ p need not be 1 but
// must be > 0; zeros stay zero.
std::vector<double> Soften(std::span<const double> probabilities, double temperature);

// Σ p ln(p / q), nats, with 0 ln 0 = 0. `q` must be positive where p is.
double KlDivergence(std::span<const double> p, std::span<const double> q);

// With p the teacher's label probabilities divided by their sum, m = 1 − leftover, z the logits:
//
//   loss   = m · [ (1 − w) · T² · KL(p_T ‖ softmax(z/T)) + w · (−ln softmax(z)[hard]) ]
//   dz     = m · [ (1 − w) · T · (softmax(z/T) − p_T)    + w · (softmax(z) − 1[hard]) ]
//
// (Hinton, Vinyals, Dean, arXiv 1503.02531; T² keeps the gradient's size as T changes.) Mass
// outside the labels weights the row down instead of being spread over the labels. Returns the
// loss and adds scale · dz to `gradient` (one per label), which may be empty.
double DistillationLoss(std::span<const float> logits, const RowTarget& target,
                        const ObjectiveSettings& settings, double scale, std::span<float> gradient);

}  // namespace limbeck::trainer
