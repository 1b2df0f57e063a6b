// One measured figure and how it is printed: a JSON line a figure, nothing else on standard output.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"

namespace limbeck::bench {

struct Figure {
  std::string name;          // "harvest_small"
  std::string unit;          // "answers/s"
  std::vector<double> runs;  // One value a run; the median is the figure's value.
  // What it is measured against: a physical limit measured in the same runs (interleaved, so that
  // a noisy neighbour hits both), or a goal. The ratio is value / limit, whichever way is better.
  double limit = 0;
  std::string limit_is;  // "libcurl + simdjson, nothing stored"
};

double Median(std::vector<double> values);

// {"figure", "value", "unit", "limit", "ratio", "runs", "limit_is"}.
void Print(const Figure& figure);

// A benchmark's main: runs it, prints its error and gives the exit status.
int Main(const char* name, const std::function<absl::Status()>& benchmark);

// Wall time since construction.
class Stopwatch {
 public:
  Stopwatch();
  double Seconds() const;

 private:
  absl::Time start_;
};

}  // namespace limbeck::bench
