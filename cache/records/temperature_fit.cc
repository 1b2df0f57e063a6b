#include "cache/records/temperature_fit.h"

#include <algorithm>
#include <cmath>

namespace limbeck::cache {
namespace {

constexpr int kSteps = 60;
constexpr double kGolden = 0.6180339887498949;

double MeanLoss(const std::vector<CalibrationRow>& rows, double temperature) {
  double sum = 0;
  for (const CalibrationRow& row : rows) {
    sum -= std::log(AtTemperature(row.probabilities, temperature)[row.gold]);
  }
  return sum / static_cast<double>(rows.size());
}

}  // namespace

std::vector<double> AtTemperature(const std::vector<double>& probabilities, double temperature) {
  const double largest = *std::max_element(probabilities.begin(), probabilities.end());
  std::vector<double> result;
  double sum = 0;
  for (const double value : probabilities) {
    result.push_back(std::pow(value / largest, 1 / temperature));
    sum += result.back();
  }
  for (double& value : result) value /= sum;
  return result;
}

TemperatureFit FitTemperature(const std::vector<CalibrationRow>& rows) {
  TemperatureFit fit;
  if (rows.empty()) return fit;
  const auto loss = [&](double log_t) { return MeanLoss(rows, std::exp(log_t)); };
  double low = std::log(kMinCalibrationTemperature);
  double high = std::log(kMaxCalibrationTemperature);
  double left = high - kGolden * (high - low);
  double right = low + kGolden * (high - low);
  double loss_left = loss(left);
  double loss_right = loss(right);
  for (int step = 0; step < kSteps; ++step) {
    if (loss_left <= loss_right) {
      high = right;
      right = left;
      loss_right = loss_left;
      left = high - kGolden * (high - low);
      loss_left = loss(left);
    } else {
      low = left;
      left = right;
      loss_left = loss_right;
      right = low + kGolden * (high - low);
      loss_right = loss(right);
    }
  }
  fit.temperature = std::exp((low + high) / 2);
  fit.loss_before = MeanLoss(rows, 1.0);
  fit.loss_after = MeanLoss(rows, fit.temperature);
  return fit;
}

}  // namespace limbeck::cache
