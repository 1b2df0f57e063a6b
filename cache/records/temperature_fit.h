// Temperature scaling of stated probabilities (Guo et al., arXiv 1706.04599), fitted on gold rows.
#pragma once

#include <cstddef>
#include <vector>

namespace limbeck::cache {

inline constexpr double kMinCalibrationTemperature = 0.1;
inline constexpr double kMaxCalibrationTemperature = 10.0;

struct CalibrationRow {
  std::vector<double> probabilities;  // All above 0, sum 1.
  size_t gold = 0;                    // An index into them.
};

struct TemperatureFit {
  double temperature = 1.0;
  // Mean −ln p(gold) at temperature 1 and at `temperature`, nats.
  double loss_before = 0.0;
  double loss_after = 0.0;
};

// p^(1/T), normalised. T > 0.
std::vector<double> AtTemperature(const std::vector<double>& probabilities, double temperature);

// The temperature with the least mean loss between the two limits: the loss has one minimum, and
// golden-section search on ln T finds it. Temperature 1 without rows.
TemperatureFit FitTemperature(const std::vector<CalibrationRow>& rows);

}  // namespace limbeck::cache
