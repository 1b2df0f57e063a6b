// What a job will have cost at its end, projected from what its queries cost so far.
#pragma once

#include <cstdint>

namespace limbeck::gateway {

// Of resolved queries, found and bought.
struct CostSample {
  uint64_t cached = 0;
  uint64_t bought = 0;
  // Of what was bought.
  int64_t micro_usd = 0;
  double squares = 0.0;  // Of micro-USD, for the spread only.
  // What all of them, found ones too, were expected to cost.
  int64_t estimate_micro_usd = 0;

  CostSample& operator+=(const CostSample& more);
};

struct CostProjection {
  int64_t low_micro_usd = 0;
  int64_t high_micro_usd = 0;
};

// Spent so far plus what `queries_left` will cost: the share that has to be bought and the mean
// price of those, each within two standard errors. Before anything was bought the expected cost,
// halved and doubled, stands for the price. Never above `ceiling_micro_usd`, unless more is spent.
CostProjection ProjectCost(const CostSample& sample, uint64_t queries_left, int64_t spent_micro_usd,
                           int64_t ceiling_micro_usd);

}  // namespace limbeck::gateway
