#include "trainer/optimiser/adamw.h"

#include <cmath>

#include <gtest/gtest.h>

#include "base/hash.h"

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

TEST(AdamWTest, ATableWithAllRowsTouchedMovesAsADenseOneToTheBit) {
  // A width that divides no vector.
  constexpr size_t kRows = 700;
  constexpr size_t kWidth = 5;
  std::vector<float> dense(kRows * kWidth, 0.5F);
  std::vector<float> sparse = dense;
  std::vector<Parameter> of_dense = {
      {.name = "t", .shape = {kRows, kWidth}, .values = dense, .decay = true}};
  std::vector<Parameter> of_sparse = {
      {.name = "t", .shape = {kRows, kWidth}, .values = sparse, .decay = true, .row_sparse = true}};
  for (uint32_t r = 0; r < kRows; ++r) of_sparse[0].rows.push_back(r);
  AdamW dense_optimiser(&of_dense, {});
  AdamW sparse_optimiser(&of_sparse, {});
  StableRandom random(1, 1);
  for (int step = 0; step < 5; ++step) {
    std::vector<float> gradient(kRows * kWidth);
    for (float& g : gradient) g = static_cast<float>(random.Uniform()) - 0.5F;
    of_dense[0].gradient = of_sparse[0].gradient = gradient;
    dense_optimiser.Step(0.01);
    sparse_optimiser.Step(0.01);
  }
  EXPECT_EQ(sparse, dense);
  for (size_t i = 0; i < dense.size(); ++i) {
    EXPECT_EQ(sparse_optimiser.first_moment(0)[i], dense_optimiser.first_moment(0)[i]);
    EXPECT_EQ(sparse_optimiser.second_moment(0)[i], dense_optimiser.second_moment(0)[i]);
  }
}

TEST(AdamWTest, UntouchedRowsKeepTheirMoments) {
  std::vector<float> values(8, 1.0F);
  std::vector<Parameter> parameters = {
      {.name = "t", .shape = {4, 2}, .values = values, .row_sparse = true}};
  AdamW optimiser(&parameters, {});
  parameters[0].rows = {0, 3};
  parameters[0].gradient = {1, 2, 3, 4};
  optimiser.Step(0.1);
  const float moment = optimiser.first_moment(0)[6];
  const float value = values[6];
  parameters[0].rows = {1};
  parameters[0].gradient = {1, 1};
  optimiser.Step(0.1);
  EXPECT_EQ(optimiser.first_moment(0)[6], moment);
  EXPECT_EQ(values[6], value);
  EXPECT_EQ(optimiser.first_moment(0)[4], 0.0F);
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
