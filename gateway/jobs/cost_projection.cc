#include "gateway/jobs/cost_projection.h"

#include <algorithm>
#include <cmath>

namespace limbeck::gateway {
namespace {

constexpr double kErrors = 2.0;

struct Range {
  double low;
  double high;
};

// Share of queries that have to be bought.
Range ShareBought(double bought, double all) {
  if (all == 0.0) return {0.0, 1.0};
  const double share = bought / all;
  // The second term keeps a range around shares of 0 and 1.
  const double error = kErrors * std::sqrt(share * (1.0 - share) / all) + kErrors / all;
  return {std::max(0.0, share - error), std::min(1.0, share + error)};
}

Range PriceOfOne(const CostSample& sample) {
  const double bought = static_cast<double>(sample.bought);
  if (sample.bought == 0) {
    const double all = std::max(1.0, static_cast<double>(sample.cached));
    const double expected = static_cast<double>(sample.estimate_micro_usd) / all;
    return {expected / 2.0, expected * 2.0};
  }
  const double mean = static_cast<double>(sample.micro_usd) / bought;
  const double variance = std::max(0.0, sample.squares / bought - mean * mean);
  const double error = kErrors * std::sqrt(variance / bought);
  return {std::max(0.0, mean - error), mean + error};
}

}  // namespace

CostSample& CostSample::operator+=(const CostSample& more) {
  cached += more.cached;
  bought += more.bought;
  micro_usd += more.micro_usd;
  squares += more.squares;
  estimate_micro_usd += more.estimate_micro_usd;
  return *this;
}

CostProjection ProjectCost(const CostSample& sample, uint64_t queries_left, int64_t spent_micro_usd,
                           int64_t ceiling_micro_usd) {
  const double all = static_cast<double>(sample.bought + sample.cached);
  const Range share = ShareBought(static_cast<double>(sample.bought), all);
  const Range price = PriceOfOne(sample);
  const double left = static_cast<double>(queries_left);
  const int64_t most = std::max(ceiling_micro_usd, spent_micro_usd);
  const double room = static_cast<double>(most - spent_micro_usd);
  const auto total = [&](double more) {
    return more >= room ? most : spent_micro_usd + static_cast<int64_t>(std::ceil(more));
  };
  return {total(left * share.low * price.low), total(left * share.high * price.high)};
}

}  // namespace limbeck::gateway
