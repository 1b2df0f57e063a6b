// Noise on a teacher's distribution for robust students: a pure function, applied by whoever reads
// the stream, never stored (docs/decisions/2026-11-24-output-noise-at-the-reader.md).
#pragma once

#include <cstdint>
#include <vector>

#include "absl/status/status.h"
#include "cache/records/label_distribution.h"

namespace limbeck::cache {

struct OutputNoiseSpec {
  // Standard deviation of ln T for a random temperature T, 0 … 2; 0 is off. T has median 1.
  double temperature_jitter = 0.0;
  // Concentration c of a Dirichlet(c·p) around the distribution p: its mean is p, and a component's
  // variance p(1−p)/(c+1). 0 is off, else 0.01 … 10⁹; smaller is noisier.
  double dirichlet_concentration = 0.0;
  uint64_t seed = 0;
  // Standard deviation of a normal variate added to each logit ln p, 0 … 5; 0 is off.
  double logit_noise = 0.0;
  // The k likeliest labels stay and the mass of the others goes to the leftover: what an API that
  // shows k candidates would give. 0 is off. Of equals the lower index stays.
  uint32_t top_k = 0;
  // Share ε of the mass that is spread evenly over the n labels: (1−ε)·p + ε/n for a label, and
  // (1−ε)·p for the leftover. 0 … 0.5; 0 is off.
  double label_smoothing = 0.0;

  bool enabled() const {
    return temperature_jitter > 0 || dirichlet_concentration > 0 || logit_noise > 0 || top_k > 0 ||
           label_smoothing > 0;
  }
};

// Which noise is drawn.
struct OutputNoiseKey {
  uint64_t epoch = 0;
  // The item's index in the snapshot, so that noise does not depend on order or worker count.
  uint64_t item = 0;
  // Of the token within the item; 0 for a label.
  uint64_t position = 0;
};

// INVALID_ARGUMENT names the field and its range.
absl::Status ValidateOutputNoise(const OutputNoiseSpec& spec);

// Replaces `probabilities` (components, then leftover mass) by a noisy distribution that sums to 1.
// What is on is applied in this order, each normalising its result:
//
//   1. temperature: p^(1/T)               3. a draw from the Dirichlet
//   2. p · e^(logit_noise · N(0, 1))      4. truncation to top_k, then 5. label smoothing
//
// Noise of the teacher comes before what is seen of it, and smoothing, which is about the student's
// target, is last. Zeros stay zeros in 1 to 4. Logit noise draws from a random stream of its own,
// one variate a component. The result has the same bits on every machine. `spec` is valid.
// INVALID_ARGUMENT, and no change, when a component is negative or not finite, or when the sum is 0
// or above 1 by more than rounding.
absl::Status ApplyOutputNoise(const OutputNoiseSpec& spec, const OutputNoiseKey& key,
                              std::vector<double>& probabilities);

// The same over a label distribution and its leftover.
absl::Status ApplyOutputNoise(const OutputNoiseSpec& spec, const OutputNoiseKey& key,
                              LabelDistribution& distribution);

}  // namespace limbeck::cache
