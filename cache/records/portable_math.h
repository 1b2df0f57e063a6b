// Logarithm, exponential and random variates built from +, −, ×, ÷ and sqrt alone, which IEEE 754
// rounds the same way everywhere. The C library's log and exp may differ in the last bit between
// versions and processors, and noise must not. Compiled without contraction to fused operations.
#pragma once

#include "base/hash.h"

namespace limbeck::cache {

// ln x for finite x > 0; relative error below 10⁻¹⁵ away from 1, absolute below 10⁻¹⁵ near it.
double PortableLog(double x);
// eˣ; 0 below −745, infinity above 709.8. Relative error below 10⁻¹⁴.
double PortableExp(double x);

// Standard normal (Marsaglia's polar method).
double PortableNormal(StableRandom& random);
// ln of a Gamma(shape, 1) variate, shape > 0 (Marsaglia and Tsang 2000; shapes below 1 by their
// boost). The logarithm, because small shapes give values below the smallest double.
double PortableLogGamma(double shape, StableRandom& random);

}  // namespace limbeck::cache
