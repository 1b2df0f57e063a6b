#include "cache/records/portable_math.h"

#include <cmath>
#include <limits>

namespace limbeck::cache {
namespace {

// ln 2 in two parts: the first has trailing zero bits, so k × kLn2High is exact for |k| < 2048.
constexpr double kLn2High = 0x1.62e42fee00000p-1;
constexpr double kLn2Low = 0x1.a39ef35793c76p-33;
constexpr double kSqrtHalf = 0x1.6a09e667f3bcdp-1;

// Uniform in (0, 1): zero has no logarithm.
double OpenUniform(StableRandom& random) {
  return (static_cast<double>(random.Next() >> 12) + 0.5) * 0x1.0p-52;
}

}  // namespace

double PortableLog(double x) {
  int exponent;
  double mantissa = std::frexp(x, &exponent);  // Exact; in [0.5, 1).
  if (mantissa < kSqrtHalf) {
    mantissa *= 2;
    --exponent;
  }
  // ln m = 2 atanh(s), s = (m − 1)/(m + 1), |s| < 0.172: 11 terms of the series reach 2⁻⁵³.
  const double s = (mantissa - 1) / (mantissa + 1);
  const double square = s * s;
  double sum = 0;
  for (int n = 21; n >= 3; n -= 2) sum = square * (1.0 / n + sum);
  const double log_mantissa = 2 * s * (1 + sum);
  return exponent * kLn2High + (log_mantissa + exponent * kLn2Low);
}

double PortableExp(double x) {
  if (x > 709.8) return std::numeric_limits<double>::infinity();
  if (x < -745.2) return 0;
  const double k = std::floor(x / (kLn2High + kLn2Low) + 0.5);
  const double r = (x - k * kLn2High) - k * kLn2Low;  // |r| < 0.347.
  double sum = 1;
  for (int n = 14; n >= 1; --n) sum = 1 + r / n * sum;
  return std::ldexp(sum, static_cast<int>(k));
}

double PortableNormal(StableRandom& random) {
  while (true) {
    const double u = 2 * random.Uniform() - 1;
    const double v = 2 * random.Uniform() - 1;
    const double square = u * u + v * v;
    if (square >= 1 || square == 0) continue;
    return u * std::sqrt(-2 * PortableLog(square) / square);
  }
}

double PortableLogGamma(double shape, StableRandom& random) {
  if (shape < 1) {
    // G(a) = G(a + 1) · U^(1/a), in logarithms.
    const double boost = PortableLog(OpenUniform(random)) / shape;
    return PortableLogGamma(shape + 1, random) + boost;
  }
  const double d = shape - 1.0 / 3;
  const double c = 1 / std::sqrt(9 * d);
  while (true) {
    const double x = PortableNormal(random);
    const double root = 1 + c * x;
    if (root <= 0) continue;
    const double v = root * root * root;
    if (PortableLog(OpenUniform(random)) < 0.5 * x * x + d * (1 - v + PortableLog(v))) {
      return PortableLog(d) + PortableLog(v);
    }
  }
}

}  // namespace limbeck::cache
