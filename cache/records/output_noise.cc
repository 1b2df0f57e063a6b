#include "cache/records/output_noise.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/hash.h"
#include "base/status.h"
#include "cache/records/portable_math.h"

namespace limbeck::cache {
namespace {

constexpr double kMaxJitter = 2.0;
constexpr double kMinConcentration = 0.01;
constexpr double kMaxConcentration = 1e9;
constexpr double kMaxLogitNoise = 5.0;
constexpr double kMaxSmoothing = 0.5;
// Ends the name of the stream that logit noise draws from.
constexpr char kLogitStream = 1;
// Rounding allowed in a sum of probabilities that came through float32 somewhere.
constexpr double kSumTolerance = 1e-4;

std::string StreamOf(const OutputNoiseKey& key) {
  std::string stream;
  for (const uint64_t number : {key.epoch, key.item, key.position}) {
    for (int i = 0; i < 8; ++i) stream += static_cast<char>(number >> (8 * i));
  }
  return stream;
}

absl::Status CheckDistribution(const std::vector<double>& probabilities) {
  double sum = 0;
  for (size_t i = 0; i < probabilities.size(); ++i) {
    if (!std::isfinite(probabilities[i]) || probabilities[i] < 0) {
      return absl::InvalidArgumentError(
          absl::StrCat("probability ", i, " is ", probabilities[i], "; expected 0 … 1"));
    }
    sum += probabilities[i];
  }
  if (!(sum > 0) || sum > 1 + kSumTolerance) {
    return absl::InvalidArgumentError(
        absl::StrCat("probabilities sum to ", sum, "; expected above 0 and at most 1"));
  }
  return absl::OkStatus();
}

// Logarithms become probabilities that sum to 1; −infinity becomes 0. One of them is finite.
void ExponentiateAndNormalise(std::vector<double>& logs) {
  const double largest = *std::max_element(logs.begin(), logs.end());
  double sum = 0;
  for (double& value : logs) {
    value = PortableExp(value - largest);
    sum += value;
  }
  for (double& value : logs) value /= sum;
}

void Temper(double jitter, StableRandom& random, std::vector<double>& probabilities) {
  const double inverse_temperature = PortableExp(-jitter * PortableNormal(random));
  for (double& value : probabilities) {
    value = value > 0 ? PortableLog(value) * inverse_temperature
                      : -std::numeric_limits<double>::infinity();
  }
  ExponentiateAndNormalise(probabilities);
}

void AddLogitNoise(double deviation, StableRandom random, std::vector<double>& probabilities) {
  for (double& value : probabilities) {
    // Drawn for zeros too, so that a component's noise depends on its place alone.
    const double noise = deviation * PortableNormal(random);
    value = value > 0 ? PortableLog(value) + noise : -std::numeric_limits<double>::infinity();
  }
  ExponentiateAndNormalise(probabilities);
}

void DrawDirichlet(double concentration, StableRandom& random, std::vector<double>& probabilities) {
  for (double& value : probabilities) {
    const double shape = concentration * value;
    // A shape too small for its reciprocal is a zero.
    value = shape > std::numeric_limits<double>::min() ? PortableLogGamma(shape, random)
                                                       : -std::numeric_limits<double>::infinity();
  }
  ExponentiateAndNormalise(probabilities);
}

void Normalise(std::vector<double>& probabilities) {
  double sum = 0;
  for (const double value : probabilities) sum += value;
  for (double& value : probabilities) value /= sum;
}

// The last component is the leftover.
void Truncate(uint32_t top_k, std::vector<double>& probabilities) {
  const size_t labels = probabilities.size() - 1;
  if (top_k >= labels) return;
  std::vector<size_t> order(labels);
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return probabilities[a] > probabilities[b]; });
  for (size_t rank = top_k; rank < labels; ++rank) {
    probabilities.back() += std::exchange(probabilities[order[rank]], 0.0);
  }
}

void Smooth(double share, std::vector<double>& probabilities) {
  const size_t labels = probabilities.size() - 1;
  if (labels == 0) return;
  const double each = share / static_cast<double>(labels);
  for (double& value : probabilities) value *= 1 - share;
  for (size_t label = 0; label < labels; ++label) probabilities[label] += each;
}

absl::Status CheckRange(const char* name, double value, double most) {
  // Written so that NaN fails.
  if (value >= 0 && value <= most) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(name, " is ", value, "; expected 0 … ", most));
}

}  // namespace

absl::Status ValidateOutputNoise(const OutputNoiseSpec& spec) {
  LIMBECK_RETURN_IF_ERROR(CheckRange("temperature_jitter", spec.temperature_jitter, kMaxJitter));
  LIMBECK_RETURN_IF_ERROR(CheckRange("logit_noise", spec.logit_noise, kMaxLogitNoise));
  LIMBECK_RETURN_IF_ERROR(CheckRange("label_smoothing", spec.label_smoothing, kMaxSmoothing));
  const double concentration = spec.dirichlet_concentration;
  if (concentration != 0 &&
      !(concentration >= kMinConcentration && concentration <= kMaxConcentration)) {
    return absl::InvalidArgumentError(absl::StrCat("dirichlet_concentration is ", concentration,
                                                   "; expected 0 (off) or ", kMinConcentration,
                                                   " … ", kMaxConcentration));
  }
  return absl::OkStatus();
}

absl::Status ApplyOutputNoise(const OutputNoiseSpec& spec, const OutputNoiseKey& key,
                              std::vector<double>& probabilities) {
  LIMBECK_RETURN_IF_ERROR(CheckDistribution(probabilities));
  Normalise(probabilities);
  std::string stream = StreamOf(key);
  StableRandom random(spec.seed, Xxh3(stream));
  if (spec.temperature_jitter > 0) Temper(spec.temperature_jitter, random, probabilities);
  if (spec.logit_noise > 0) {
    stream += kLogitStream;
    AddLogitNoise(spec.logit_noise, StableRandom(spec.seed, Xxh3(stream)), probabilities);
  }
  if (spec.dirichlet_concentration > 0) {
    DrawDirichlet(spec.dirichlet_concentration, random, probabilities);
  }
  if (spec.top_k > 0) Truncate(spec.top_k, probabilities);
  if (spec.label_smoothing > 0) Smooth(spec.label_smoothing, probabilities);
  return absl::OkStatus();
}

absl::Status ApplyOutputNoise(const OutputNoiseSpec& spec, const OutputNoiseKey& key,
                              LabelDistribution& distribution) {
  std::vector<double> all = distribution.probabilities;
  all.push_back(distribution.leftover);
  LIMBECK_RETURN_IF_ERROR(ApplyOutputNoise(spec, key, all));
  distribution.leftover = all.back();
  all.pop_back();
  distribution.probabilities = std::move(all);
  return absl::OkStatus();
}

}  // namespace limbeck::cache
