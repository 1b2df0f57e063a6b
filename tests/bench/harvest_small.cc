// One token, top 20: about 2 KB an answer, as classification buys them.
#include "tests/bench/figure.h"
#include "tests/bench/harvest.h"

int main() {
  return limbeck::bench::Main("bench_harvest_small", [] {
    return limbeck::bench::MeasureHarvest({.figure = "harvest_small",
                                           .tokens = 1,
                                           .rows = 20'000,
                                           .bare_answers = 50'000,
                                           .peer_rows = 10'000});
  });
}
