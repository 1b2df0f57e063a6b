#include "trainer/optimiser/adamw.h"

#include <cmath>

namespace limbeck::trainer {

struct AdamW::Coefficients {
  float beta1;
  float rest1;   // 1 − beta1
  float scale1;  // Bias correction of the first moment.
  float beta2;
  float rest2;
  float scale2;
  float epsilon;
  float rate;
  float keep;  // 1 − rate · weight decay
};

namespace {

// Touched rows lie apart, so that each would wait for memory: this many are fetched ahead.
constexpr size_t kRowsAhead = 8;

// A loop that g++ makes vectors of: without __restrict each store might change the next load.
template <typename Coefficients>
void Update(const Coefficients& c, const float* __restrict gradient, size_t count,
            float* __restrict values, float* __restrict first, float* __restrict second) {
  for (size_t i = 0; i < count; ++i) {
    first[i] = c.beta1 * first[i] + c.rest1 * gradient[i];
    second[i] = c.beta2 * second[i] + c.rest2 * gradient[i] * gradient[i];
    values[i] = c.keep * values[i] -
                c.rate * (first[i] * c.scale1) / (std::sqrt(second[i] * c.scale2) + c.epsilon);
  }
}

}  // namespace

AdamW::AdamW(std::vector<Parameter>* parameters, const AdamWOptions& options)
    : parameters_(parameters), options_(options) {
  for (const Parameter& parameter : *parameters) {
    first_.emplace_back(parameter.values.size());
    second_.emplace_back(parameter.values.size());
  }
}

void AdamW::UpdateRows(size_t parameter, const Coefficients& coefficients) {
  const Parameter& p = (*parameters_)[parameter];
  const size_t width = p.RowWidth();
  float* const values = p.values.data();
  float* const first = first_[parameter].data();
  float* const second = second_[parameter].data();
  for (size_t r = 0; r < p.rows.size(); ++r) {
    if (r + kRowsAhead < p.rows.size()) {
      const size_t ahead = p.rows[r + kRowsAhead] * width;
      __builtin_prefetch(values + ahead, 1);
      __builtin_prefetch(first + ahead, 1);
      __builtin_prefetch(second + ahead, 1);
    }
    const size_t at = p.rows[r] * width;
    Update(coefficients, p.gradient.data() + r * width, width, values + at, first + at,
           second + at);
  }
}

void AdamW::Step(double learning_rate) {
  ++steps_;
  const auto step = static_cast<double>(steps_);
  Coefficients c{.beta1 = static_cast<float>(options_.beta1),
                 .rest1 = static_cast<float>(1.0 - options_.beta1),
                 .scale1 = static_cast<float>(1.0 / (1.0 - std::pow(options_.beta1, step))),
                 .beta2 = static_cast<float>(options_.beta2),
                 .rest2 = static_cast<float>(1.0 - options_.beta2),
                 .scale2 = static_cast<float>(1.0 / (1.0 - std::pow(options_.beta2, step))),
                 .epsilon = static_cast<float>(options_.epsilon),
                 .rate = static_cast<float>(learning_rate)};
  for (size_t i = 0; i < parameters_->size(); ++i) {
    const Parameter& p = (*parameters_)[i];
    c.keep = static_cast<float>(p.decay ? 1.0 - learning_rate * options_.weight_decay : 1.0);
    if (p.row_sparse) {
      UpdateRows(i, c);
    } else {
      Update(c, p.gradient.data(), p.values.size(), p.values.data(), first_[i].data(),
             second_[i].data());
    }
  }
}

double GradientNorm(const std::vector<Parameter>& parameters) {
  double squares = 0.0;
  for (const Parameter& parameter : parameters) {
    for (const float g : parameter.gradient) squares += double{g} * g;
  }
  return std::sqrt(squares);
}

double ClipGradients(std::vector<Parameter>* parameters, double max_norm) {
  const double norm = GradientNorm(*parameters);
  if (norm > max_norm) {
    const auto scale = static_cast<float>(max_norm / norm);
    for (Parameter& parameter : *parameters) {
      for (float& g : parameter.gradient) g *= scale;
    }
  }
  return norm;
}

}  // namespace limbeck::trainer
