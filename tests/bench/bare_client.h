// The limit that harvesting is measured against: libcurl fetches and simdjson reads every
// candidate, nothing is limited, keyed, stored or paid.
#pragma once

#include <cstddef>
#include <string>

#include "absl/status/statusor.h"

namespace limbeck::bench {

struct BareRun {
  double answers_per_second = 0;
  size_t candidates = 0;  // Read in all.
};

// POSTs `request` `answers` times to `url` over `connections` connections, on one thread.
absl::StatusOr<BareRun> RunBareClient(const std::string& url, const std::string& request,
                                      size_t answers, size_t connections);

}  // namespace limbeck::bench
