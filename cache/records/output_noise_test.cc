#include "cache/records/output_noise.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <string>
#include <vector>

namespace limbeck::cache {
namespace {

using ::testing::ElementsAre;

const std::vector<double> kBase = {0.6, 0.25, 0.1, 0.05};

std::vector<double> Noisy(const OutputNoiseSpec& spec, const OutputNoiseKey& key,
                          std::vector<double> probabilities = kBase) {
  const absl::Status status = ApplyOutputNoise(spec, key, probabilities);
  EXPECT_TRUE(status.ok()) << status;
  return probabilities;
}

TEST(OutputNoiseTest, TheResultIsADistribution) {
  for (const OutputNoiseSpec& spec :
       {OutputNoiseSpec{.temperature_jitter = 2}, OutputNoiseSpec{.dirichlet_concentration = 0.01},
        OutputNoiseSpec{.temperature_jitter = 0.3, .dirichlet_concentration = 1e9},
        OutputNoiseSpec{.logit_noise = 5},
        OutputNoiseSpec{
            .dirichlet_concentration = 5, .logit_noise = 1, .top_k = 2, .label_smoothing = 0.2}}) {
    for (uint64_t item = 0; item < 500; ++item) {
      const auto noisy = Noisy(spec, {.item = item});
      for (const double p : noisy) EXPECT_TRUE(p >= 0 && p <= 1) << p;
      EXPECT_NEAR(std::accumulate(noisy.begin(), noisy.end(), 0.0), 1.0, 1e-12);
    }
  }
}

TEST(OutputNoiseTest, EqualInputsGiveEqualBitsAndEveryInputMatters) {
  const OutputNoiseSpec spec{.temperature_jitter = 0.5, .dirichlet_concentration = 20, .seed = 3};
  const auto noisy = Noisy(spec, {1, 2, 3});
  EXPECT_EQ(Noisy(spec, {1, 2, 3}), noisy);
  OutputNoiseSpec other = spec;
  other.seed = 4;
  EXPECT_NE(Noisy(other, {1, 2, 3}), noisy);
  EXPECT_NE(Noisy(spec, {2, 2, 3}), noisy);
  EXPECT_NE(Noisy(spec, {1, 3, 3}), noisy);
  EXPECT_NE(Noisy(spec, {1, 2, 4}), noisy);
}

TEST(OutputNoiseTest, GoldenBitsHoldOnEveryMachine) {
  const OutputNoiseSpec spec{.temperature_jitter = 0.5, .dirichlet_concentration = 20, .seed = 1};
  EXPECT_THAT(Noisy(spec, {.epoch = 1, .item = 7}),
              ElementsAre(0x1.f63b87d602d17p-1, 0x1.b037b7b6c7618p-7, 0x1.81c783607bd48p-8,
                          0x1.488c232ac2c52p-22));
}

TEST(OutputNoiseTest, DirichletKeepsTheMeanAndHasItsVariance) {
  constexpr double kConcentration = 10;
  constexpr int kDraws = 20'000;
  std::vector<double> sums(kBase.size()), squares(kBase.size());
  for (int item = 0; item < kDraws; ++item) {
    const auto noisy =
        Noisy({.dirichlet_concentration = kConcentration}, {.item = static_cast<uint64_t>(item)});
    for (size_t i = 0; i < noisy.size(); ++i) {
      sums[i] += noisy[i];
      squares[i] += (noisy[i] - kBase[i]) * (noisy[i] - kBase[i]);
    }
  }
  for (size_t i = 0; i < kBase.size(); ++i) {
    const double variance = kBase[i] * (1 - kBase[i]) / (kConcentration + 1);
    EXPECT_NEAR(sums[i] / kDraws, kBase[i], 4 * std::sqrt(variance / kDraws));
    EXPECT_NEAR(squares[i] / kDraws / variance, 1, 0.1);
  }
}

TEST(OutputNoiseTest, LogTemperatureIsNormalWithTheGivenDeviation) {
  constexpr double kJitter = 0.4;
  constexpr int kDraws = 20'000;
  double sum = 0, squares = 0;
  for (int item = 0; item < kDraws; ++item) {
    const auto noisy =
        Noisy({.temperature_jitter = kJitter}, {.item = static_cast<uint64_t>(item)});
    // Odds are raised to 1/T.
    const double log_t = -std::log(std::log(noisy[0] / noisy[1]) / std::log(kBase[0] / kBase[1]));
    sum += log_t;
    squares += log_t * log_t;
  }
  EXPECT_NEAR(sum / kDraws, 0, 4 * kJitter / std::sqrt(kDraws));
  EXPECT_NEAR(std::sqrt(squares / kDraws), kJitter, 4 * kJitter / std::sqrt(2.0 * kDraws));
}

TEST(OutputNoiseTest, TemperatureKeepsTheRanking) {
  for (uint64_t item = 0; item < 200; ++item) {
    const auto noisy = Noisy({.temperature_jitter = 1}, {.item = item});
    EXPECT_TRUE(std::is_sorted(noisy.rbegin(), noisy.rend()));
  }
}

TEST(OutputNoiseTest, LogitNoiseIsNormalOnTheLogOdds) {
  constexpr double kDeviation = 0.7;
  constexpr int kDraws = 20'000;
  double sum = 0, squares = 0;
  for (int item = 0; item < kDraws; ++item) {
    const auto noisy = Noisy({.logit_noise = kDeviation}, {.item = static_cast<uint64_t>(item)});
    // The normalisation cancels in the odds; two independent normals are subtracted.
    const double shift = std::log(noisy[0] / noisy[1]) - std::log(kBase[0] / kBase[1]);
    sum += shift;
    squares += shift * shift;
  }
  const double expected = kDeviation * std::sqrt(2.0);
  EXPECT_NEAR(sum / kDraws, 0, 4 * expected / std::sqrt(kDraws));
  EXPECT_NEAR(std::sqrt(squares / kDraws), expected, 4 * expected / std::sqrt(2.0 * kDraws));
}

TEST(OutputNoiseTest, SmoothingHasItsWorkedValuesAndLeavesTheLeftoverApart) {
  const auto smooth = Noisy({.label_smoothing = 0.3}, {});
  EXPECT_NEAR(smooth[0], 0.7 * 0.6 + 0.1, 1e-15);
  EXPECT_NEAR(smooth[1], 0.7 * 0.25 + 0.1, 1e-15);
  EXPECT_NEAR(smooth[2], 0.7 * 0.1 + 0.1, 1e-15);
  EXPECT_NEAR(smooth[3], 0.7 * 0.05, 1e-15);
}

TEST(OutputNoiseTest, TruncationMovesTheTailToTheLeftover) {
  EXPECT_THAT(Noisy({.top_k = 1}, {}, {0.25, 0.5, 0.125, 0.125}), ElementsAre(0, 0.5, 0, 0.5));
  EXPECT_THAT(Noisy({.top_k = 2}, {}, {0.25, 0.25, 0.25, 0.25}), ElementsAre(0.25, 0.25, 0, 0.5));
  EXPECT_THAT(Noisy({.top_k = 3}, {}, {0.25, 0.25, 0.25, 0.25}),
              ElementsAre(0.25, 0.25, 0.25, 0.25));
  EXPECT_THAT(Noisy({.top_k = 9}, {}, {0.5, 0.5}), ElementsAre(0.5, 0.5));
}

TEST(OutputNoiseTest, TruncationComesBeforeSmoothing) {
  EXPECT_THAT(Noisy({.top_k = 1, .label_smoothing = 0.5}, {}, {0.25, 0.75, 0}),
              ElementsAre(0.25, 0.625, 0.125));
}

TEST(OutputNoiseTest, NewKindsLeaveWhatOthersDraw) {
  const OutputNoiseSpec spec{.temperature_jitter = 0.5, .dirichlet_concentration = 20, .seed = 1};
  OutputNoiseSpec more = spec;
  more.logit_noise = 1e-9;
  const auto noisy = Noisy(spec, {.epoch = 1, .item = 7});
  const auto barely = Noisy(more, {.epoch = 1, .item = 7});
  for (size_t i = 0; i < noisy.size(); ++i) EXPECT_NEAR(barely[i], noisy[i], 1e-6);
}

TEST(OutputNoiseTest, GoldenBitsOfAllKindsHoldOnEveryMachine) {
  const OutputNoiseSpec spec{.temperature_jitter = 0.5,
                             .dirichlet_concentration = 20,
                             .seed = 1,
                             .logit_noise = 0.5,
                             .top_k = 2,
                             .label_smoothing = 0.1};
  EXPECT_THAT(Noisy(spec, {.epoch = 1, .item = 7}),
              ElementsAre(0x1.ccafe9d2dfca7p-1, 0x1.04197b719c156p-4, 0x1.1111111111111p-5,
                          0x1.bbd5addba1d54p-9));
}

TEST(OutputNoiseTest, ZerosStayZeros) {
  const OutputNoiseSpec spec{
      .temperature_jitter = 1, .dirichlet_concentration = 5, .logit_noise = 1, .top_k = 2};
  EXPECT_THAT(Noisy(spec, {}, {0, 1, 0}), ElementsAre(0, 1, 0));
  EXPECT_EQ(Noisy(spec, {}, {0.5, 0, 0.5})[1], 0);
  // Too small to draw from, not too small to handle.
  EXPECT_EQ(Noisy(spec, {}, {1, 5e-324})[1], 0);
}

TEST(OutputNoiseTest, WithoutNoiseTheDistributionIsOnlyNormalised) {
  EXPECT_FALSE(OutputNoiseSpec{}.enabled());
  EXPECT_THAT(Noisy({}, {}, {0.25, 0.25}), ElementsAre(0.5, 0.5));
}

TEST(OutputNoiseTest, LabelDistributionsKeepTheirLeftoverApart) {
  LabelDistribution distribution;
  distribution.probabilities = {0.6, 0.25, 0.1};
  distribution.leftover = 0.05;
  const OutputNoiseSpec spec{.dirichlet_concentration = 20};
  const auto expected = Noisy(spec, {.item = 4});
  ASSERT_TRUE(ApplyOutputNoise(spec, {.item = 4}, distribution).ok());
  EXPECT_THAT(distribution.probabilities, ElementsAre(expected[0], expected[1], expected[2]));
  EXPECT_EQ(distribution.leftover, expected[3]);
}

TEST(OutputNoiseTest, WhatIsNoDistributionIsRefusedUnchanged) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  for (const std::vector<double>& bad :
       {std::vector<double>{}, {0.0, 0.0}, {-0.1, 0.5}, {nan, 0.5}, {0.9, 0.9}}) {
    std::vector<double> copy = bad;
    EXPECT_EQ(ApplyOutputNoise({.temperature_jitter = 1}, {}, copy).code(),
              absl::StatusCode::kInvalidArgument);
    EXPECT_EQ(copy.size(), bad.size());
  }
}

TEST(OutputNoiseTest, SpecsOutOfRangeAreNamed) {
  EXPECT_TRUE(ValidateOutputNoise({}).ok());
  EXPECT_TRUE(ValidateOutputNoise({.temperature_jitter = 2, .dirichlet_concentration = 0.01}).ok());
  EXPECT_EQ(ValidateOutputNoise({.temperature_jitter = 3}).message(),
            "temperature_jitter is 3; expected 0 … 2");
  EXPECT_FALSE(ValidateOutputNoise({.dirichlet_concentration = -1}).ok());
  EXPECT_FALSE(ValidateOutputNoise({.dirichlet_concentration = 1e-6}).ok());
  EXPECT_FALSE(ValidateOutputNoise({.temperature_jitter = std::nan("")}).ok());
  EXPECT_EQ(ValidateOutputNoise({.logit_noise = 6}).message(), "logit_noise is 6; expected 0 … 5");
  EXPECT_EQ(ValidateOutputNoise({.label_smoothing = 0.75}).message(),
            "label_smoothing is 0.75; expected 0 … 0.5");
}

}  // namespace
}  // namespace limbeck::cache
