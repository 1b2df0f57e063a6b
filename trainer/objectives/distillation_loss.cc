#include "trainer/objectives/distillation_loss.h"

#include <algorithm>
#include <cmath>

namespace limbeck::trainer {
namespace {

std::vector<double> LogSoftmax(std::span<const float> logits, double temperature) {
  const double top = *std::max_element(logits.begin(), logits.end());
  double sum = 0.0;
  for (const float z : logits) sum += std::exp((z - top) / temperature);
  const double log_sum = std::log(sum);
  std::vector<double> result;
  result.reserve(logits.size());
  for (const float z : logits) result.push_back((z - top) / temperature - log_sum);
  return result;
}

}  // namespace

std::vector<double> Softmax(std::span<const float> logits, double temperature) {
  std::vector<double> result = LogSoftmax(logits, temperature);
  for (double& value : result) value = std::exp(value);
  return result;
}

std::vector<double> Soften(std::span<const double> probabilities, double temperature) {
  std::vector<double> result(probabilities.begin(), probabilities.end());
  // The largest is taken out first, so that tiny distributions do not underflow.
  const double top = *std::max_element(result.begin(), result.end());
  double sum = 0.0;
  for (double& p : result) {
    p = p > 0.0 ? std::pow(p / top, 1.0 / temperature) : 0.0;
    sum += p;
  }
  for (double& p : result) p /= sum;
  return result;
}

double KlDivergence(std::span<const double> p, std::span<const double> q) {
  double sum = 0.0;
  for (size_t i = 0; i < p.size(); ++i) {
    if (p[i] > 0.0) sum += p[i] * std::log(p[i] / q[i]);
  }
  return sum;
}

double DistillationLoss(std::span<const float> logits, const RowTarget& target,
                        const ObjectiveSettings& settings, double scale,
                        std::span<float> gradient) {
  const double t = settings.temperature;
  const double w = settings.hard_weight;
  const double mass = 1.0 - target.leftover;
  const std::vector<double> log_soft_q = LogSoftmax(logits, t);
  const std::vector<double> log_q = t == 1.0 ? log_soft_q : LogSoftmax(logits, 1.0);
  const std::vector<double> soft_p = Soften(target.probabilities, t);
  double divergence = 0.0;
  for (size_t i = 0; i < soft_p.size(); ++i) {
    // In logarithms, so that a student probability that underflows still gives a finite loss.
    if (soft_p[i] > 0.0) divergence += soft_p[i] * (std::log(soft_p[i]) - log_soft_q[i]);
  }
  for (size_t i = 0; i < gradient.size(); ++i) {
    const double hard = std::exp(log_q[i]) - (i == target.hard_label ? 1.0 : 0.0);
    const double soft = t * (std::exp(log_soft_q[i]) - soft_p[i]);
    gradient[i] += static_cast<float>(scale * mass * ((1.0 - w) * soft + w * hard));
  }
  return mass * ((1.0 - w) * t * t * divergence - w * log_q[target.hard_label]);
}

}  // namespace limbeck::trainer
