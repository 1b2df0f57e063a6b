#include "cache/records/temperature_fit.h"

#include <gtest/gtest.h>

#include <cmath>

namespace limbeck::cache {
namespace {

// `right` of `total` rows have their gold label at a stated 0.9.
std::vector<CalibrationRow> Stated(int right, int total) {
  std::vector<CalibrationRow> rows;
  for (int i = 0; i < total; ++i) rows.push_back({{0.9, 0.1}, i < right ? 0u : 1u});
  return rows;
}

TEST(TemperatureFitTest, FindsTheTemperatureAtWhichStatedSharesComeTrue) {
  // 0.9 is stated, 0.75 is true: the odds 9 must become 3, so 1/T = ln 3 / ln 9 and T = 2.
  const TemperatureFit fit = FitTemperature(Stated(75, 100));
  EXPECT_NEAR(fit.temperature, 2.0, 1e-6);
  EXPECT_NEAR(fit.loss_before, -0.75 * std::log(0.9) - 0.25 * std::log(0.1), 1e-12);
  EXPECT_NEAR(fit.loss_after, -0.75 * std::log(0.75) - 0.25 * std::log(0.25), 1e-9);
}

TEST(TemperatureFitTest, CalibratedRowsStayAsTheyAre) {
  EXPECT_NEAR(FitTemperature(Stated(90, 100)).temperature, 1.0, 1e-6);
}

TEST(TemperatureFitTest, ExtremesStayWithinTheLimits) {
  EXPECT_NEAR(FitTemperature(Stated(10, 10)).temperature, kMinCalibrationTemperature, 1e-6);
  EXPECT_NEAR(FitTemperature(Stated(0, 10)).temperature, kMaxCalibrationTemperature, 1e-6);
  EXPECT_EQ(FitTemperature({}).temperature, 1.0);
}

TEST(TemperatureFitTest, NeverRaisesTheLoss) {
  uint64_t state = 7;
  const auto uniform = [&] {
    state = state * 6364136223846793005u + 1442695040888963407u;
    return static_cast<double>(state >> 11) * 0x1.0p-53;
  };
  for (int round = 0; round < 50; ++round) {
    std::vector<CalibrationRow> rows;
    for (int i = 0; i < 20; ++i) {
      const double a = 0.005 + uniform(), b = 0.005 + uniform(), c = 0.005 + uniform();
      rows.push_back({{a / (a + b + c), b / (a + b + c), c / (a + b + c)},
                      static_cast<size_t>(uniform() * 3)});
    }
    const TemperatureFit fit = FitTemperature(rows);
    EXPECT_LE(fit.loss_after, fit.loss_before + 1e-12);
  }
}

TEST(TemperatureFitTest, TemperingKeepsSumAndRanking) {
  const auto flat = AtTemperature({0.7, 0.2, 0.1}, 3);
  EXPECT_NEAR(flat[0] + flat[1] + flat[2], 1, 1e-12);
  EXPECT_GT(flat[0], flat[1]);
  EXPECT_GT(flat[1], flat[2]);
  EXPECT_LT(flat[0], 0.7);
  EXPECT_NEAR(AtTemperature({0.7, 0.2, 0.1}, 1)[1], 0.2, 1e-12);
}

}  // namespace
}  // namespace limbeck::cache
