#include "tests/bench/figure.h"

#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "absl/time/clock.h"
#include "base/mutex_checks.h"

namespace limbeck::bench {

double Median(std::vector<double> values) {
  if (values.empty()) return 0;
  std::sort(values.begin(), values.end());
  const size_t middle = values.size() / 2;
  return values.size() % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}

void Print(const Figure& figure) {
  const double value = Median(figure.runs);
  nlohmann::ordered_json line;
  line["figure"] = figure.name;
  line["value"] = value;
  line["unit"] = figure.unit;
  line["limit"] = figure.limit;
  if (figure.limit > 0) {
    line["ratio"] = value / figure.limit;
  } else {
    line["ratio"] = nullptr;
  }
  line["runs"] = figure.runs;
  line["limit_is"] = figure.limit_is;
  std::printf("%s\n", line.dump().c_str());
  std::fflush(stdout);
}

int Main(const char* name, const std::function<absl::Status()>& benchmark) {
  SetMutexChecks();
  const absl::Status status = benchmark();
  if (status.ok()) return 0;
  std::fprintf(stderr, "%s: %s\n", name, status.ToString().c_str());
  return 1;
}

Stopwatch::Stopwatch() : start_(absl::Now()) {}

double Stopwatch::Seconds() const { return absl::ToDoubleSeconds(absl::Now() - start_); }

}  // namespace limbeck::bench
