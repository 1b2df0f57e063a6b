#include "cache/records/vote_stopping.h"

#include <algorithm>
#include <cmath>

namespace limbeck::cache {
namespace {

// z with P(|N(0, 1)| ≤ z) = confidence, by bisection of the error function.
double NormalQuantile(double confidence) {
  double low = 0;
  double high = 10;
  for (int step = 0; step < 60; ++step) {
    const double middle = (low + high) / 2;
    (std::erf(middle / std::sqrt(2.0)) < confidence ? low : high) = middle;
  }
  return (low + high) / 2;
}

Interval Wilson(uint64_t of_trials, uint64_t all_trials, double z) {
  if (all_trials == 0) return {};
  const auto successes = static_cast<double>(of_trials);
  const auto trials = static_cast<double>(all_trials);
  const double share = successes / trials;
  const double square = z * z;
  const double scale = 1 + square / trials;
  const double centre = (share + square / (2 * trials)) / scale;
  const double half =
      z * std::sqrt(share * (1 - share) / trials + square / (4 * trials * trials)) / scale;
  return {std::max(0.0, centre - half), std::min(1.0, centre + half)};
}

bool Suffice(uint64_t first, uint64_t second, uint64_t trials, double z, const VotingRule& rule) {
  const uint64_t to_come = rule.max_votes - std::min<uint64_t>(trials, rule.max_votes);
  if (first - second > to_come) return true;
  if (Wilson(first, first + second, z).low > 0.5) return true;
  const Interval share = Wilson(first, trials, z);
  return (share.high - share.low) / 2 <= rule.half_width;
}

}  // namespace

Interval WilsonInterval(uint64_t successes, uint64_t trials, double confidence) {
  return Wilson(successes, trials, NormalQuantile(confidence));
}

size_t VotesThatSuffice(const std::vector<int>& votes, size_t labels, const VotingRule& rule) {
  const double z = NormalQuantile(rule.confidence);
  // "None of them" is an outcome too, the last one.
  std::vector<uint64_t> counts(labels + 1);
  for (size_t n = 1; n <= votes.size(); ++n) {
    const int vote = votes[n - 1];
    ++counts[vote < 0 ? labels : static_cast<size_t>(vote)];
    if (n >= rule.max_votes) return n;
    if (n < rule.min_votes) continue;
    uint64_t first = 0;
    uint64_t second = 0;
    for (const uint64_t count : counts) {
      second = std::max(second, std::min(first, count));
      first = std::max(first, count);
    }
    if (Suffice(first, second, n, z, rule)) return n;
  }
  return 0;
}

}  // namespace limbeck::cache
