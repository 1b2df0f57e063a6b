// 128 tokens, top 20: about 210 KB an answer, as generation buys them.
#include "tests/bench/figure.h"
#include "tests/bench/harvest.h"

int main() {
  return limbeck::bench::Main("bench_harvest_large", [] {
    return limbeck::bench::MeasureHarvest({.figure = "harvest_large",
                                           .tokens = 128,
                                           .rows = 2'000,
                                           .bare_answers = 4'000,
                                           .peer_rows = 300});
  });
}
