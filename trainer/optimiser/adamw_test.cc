#include "trainer/optimiser/adamw.h"

#include <cmath>

#include <gtest/gtest.h>

namespace limbeck::trainer {
namespace {

TEST(AdamWTest, GivesHandComputedSteps) {
  std::vector<float> values = {1.0F};
  std::vector<Parameter> parameters = {
      {.name = "w", .shape = {1}, .values = values, .decay = true, .gradient = {0.5F}}};
  AdamW optimiser(&parameters, {.weight_decay = 0.1});
  optimiser.Step(0.01);
  // First step: m̂ = g, v̂ = g², so the step is the rate against the sign.
  EXPECT_NEAR(values[0], 1.0 * (1 - 0.001) - 0.01, 1e-6);
  parameters[0].gradient = {-0.25F};
  const double before = values[0];
  optimiser.Step(0.01);
  const double m = 0.9 * 0.05 + 0.1 * -0.25;
  const double v = 0.999 * 0.00025 + 0.001 * 0.0625;
  const double step = (m / (1 - 0.81)) / (std::sqrt(v / (1 - 0.998001)) + 1e-8);
  EXPECT_NEAR(values[0], before * (1 - 0.001) - 0.01 * step, 1e-6);
}

TEST(AdamWTest, MovesOnlyTouchedRowsOfATable) {
  std::vector<float> values = {1, 1, 1, 1, 1, 1};
  std::vector<Parameter> parameters = {{.name = "t",
                                        .shape = {3, 2},
                                        .values = values,
                                        .decay = true,
                                        .row_sparse = true,
                                        .rows = {1},
                                        .gradient = {1, -1}}};
  AdamW optimiser(&parameters, {.weight_decay = 0.0});
  optimiser.Step(0.5);
  const std::vector<float> expected = {1, 1, 0.5F, 1.5F, 1, 1};
  for (size_t i = 0; i < 6; ++i) EXPECT_NEAR(values[i], expected[i], 1e-6);
}

TEST(ClipGradientsTest, ScalesDownOnly) {
  std::vector<float> values = {0, 0};
  std::vector<Parameter> parameters = {
      {.name = "w", .shape = {2}, .values = values, .gradient = {3, 4}}};
  EXPECT_DOUBLE_EQ(ClipGradients(&parameters, 10.0), 5.0);
  EXPECT_FLOAT_EQ(parameters[0].gradient[0], 3.0F);
  EXPECT_DOUBLE_EQ(ClipGradients(&parameters, 1.0), 5.0);
  EXPECT_NEAR(GradientNorm(parameters), 1.0, 1e-6);
}

}  // namespace
}  // namespace limbeck::trainer
