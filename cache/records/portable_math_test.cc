#include "cache/records/portable_math.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <initializer_list>
#include <limits>

namespace limbeck::cache {
namespace {

TEST(PortableMathTest, LogAgreesWithTheCLibrary) {
  StableRandom random(1, 1);
  for (int i = 0; i < 100'000; ++i) {
    const double x = std::ldexp(0.5 + random.Uniform(), static_cast<int>(random.Below(600)) - 300);
    EXPECT_NEAR(PortableLog(x), std::log(x), 1e-15 * std::max(1.0, std::abs(std::log(x)))) << x;
  }
  EXPECT_EQ(PortableLog(1.0), 0.0);
  // A subnormal.
  EXPECT_NEAR(PortableLog(5e-324), std::log(5e-324), 1e-12);
}

TEST(PortableMathTest, ExpAgreesWithTheCLibrary) {
  StableRandom random(1, 2);
  for (int i = 0; i < 100'000; ++i) {
    const double x = 1400 * random.Uniform() - 700;
    EXPECT_NEAR(PortableExp(x) / std::exp(x), 1.0, 1e-14) << x;
  }
  EXPECT_EQ(PortableExp(0.0), 1.0);
  EXPECT_EQ(PortableExp(-1e9), 0.0);
  EXPECT_EQ(PortableExp(-std::numeric_limits<double>::infinity()), 0.0);
  EXPECT_TRUE(std::isinf(PortableExp(1e9)));
}

TEST(PortableMathTest, NormalHasItsMoments) {
  StableRandom random(1, 3);
  constexpr int kDraws = 200'000;
  double sum = 0, squares = 0, fourths = 0;
  for (int i = 0; i < kDraws; ++i) {
    const double x = PortableNormal(random);
    sum += x;
    squares += x * x;
    fourths += x * x * x * x;
  }
  // Four standard errors: Var x = 1, Var x² = 2, Var x⁴ = 96.
  EXPECT_NEAR(sum / kDraws, 0, 4 / std::sqrt(kDraws));
  EXPECT_NEAR(squares / kDraws, 1, 4 * std::sqrt(2.0 / kDraws));
  EXPECT_NEAR(fourths / kDraws, 3, 4 * std::sqrt(96.0 / kDraws));
}

TEST(PortableMathTest, GammaHasItsMomentsBelowAndAboveOne) {
  constexpr int kDraws = 100'000;
  uint64_t stream = 10;
  for (const double shape : {0.1, 0.5, 1.0, 2.5, 50.0}) {
    StableRandom random(1, stream++);
    double sum = 0, squares = 0;
    for (int i = 0; i < kDraws; ++i) {
      const double x = std::exp(PortableLogGamma(shape, random));
      sum += x;
      squares += (x - shape) * (x - shape);
    }
    // Var x = a; Var (x − a)² = 2a² + 6a.
    EXPECT_NEAR(sum / kDraws, shape, 4 * std::sqrt(shape / kDraws)) << shape;
    EXPECT_NEAR(squares / kDraws, shape, 4 * std::sqrt((2 * shape * shape + 6 * shape) / kDraws))
        << shape;
  }
}

TEST(PortableMathTest, TinyShapesStayFiniteAsLogarithms) {
  StableRandom random(1, 4);
  for (int i = 0; i < 1'000; ++i) EXPECT_TRUE(std::isfinite(PortableLogGamma(1e-12, random)));
}

}  // namespace
}  // namespace limbeck::cache
