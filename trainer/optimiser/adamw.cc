#include "trainer/optimiser/adamw.h"

#include <cmath>

namespace limbeck::trainer {

AdamW::AdamW(std::vector<Parameter>* parameters, const AdamWOptions& options)
    : parameters_(parameters), options_(options) {
  for (const Parameter& parameter : *parameters) {
    first_.emplace_back(parameter.values.size());
    second_.emplace_back(parameter.values.size());
  }
}

void AdamW::Update(size_t parameter, size_t value_offset, size_t gradient_offset, size_t count,
                   double learning_rate) {
  Parameter& p = (*parameters_)[parameter];
  const auto beta1 = static_cast<float>(options_.beta1);
  const auto beta2 = static_cast<float>(options_.beta2);
  const auto rest1 = static_cast<float>(1.0 - options_.beta1);
  const auto rest2 = static_cast<float>(1.0 - options_.beta2);
  const auto epsilon = static_cast<float>(options_.epsilon);
  const auto rate = static_cast<float>(learning_rate);
  const auto keep = static_cast<float>(p.decay ? 1.0 - learning_rate * options_.weight_decay : 1.0);
  float* values = p.values.data() + value_offset;
  float* first = first_[parameter].data() + value_offset;
  float* second = second_[parameter].data() + value_offset;
  const float* gradient = p.gradient.data() + gradient_offset;
  for (size_t i = 0; i < count; ++i) {
    first[i] = beta1 * first[i] + rest1 * gradient[i];
    second[i] = beta2 * second[i] + rest2 * gradient[i] * gradient[i];
    values[i] =
        keep * values[i] - rate * (first[i] * scale1_) / (std::sqrt(second[i] * scale2_) + epsilon);
  }
}

void AdamW::Step(double learning_rate) {
  ++steps_;
  const auto step = static_cast<double>(steps_);
  scale1_ = static_cast<float>(1.0 / (1.0 - std::pow(options_.beta1, step)));
  scale2_ = static_cast<float>(1.0 / (1.0 - std::pow(options_.beta2, step)));
  for (size_t i = 0; i < parameters_->size(); ++i) {
    const Parameter& parameter = (*parameters_)[i];
    if (!parameter.row_sparse) {
      Update(i, 0, 0, parameter.values.size(), learning_rate);
      continue;
    }
    const size_t width = parameter.RowWidth();
    for (size_t r = 0; r < parameter.rows.size(); ++r) {
      Update(i, parameter.rows[r] * width, r * width, width, learning_rate);
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
