// Answers per second from rows in a dataset to answers with logprobs in the cache.
#pragma once

#include <cstddef>
#include <string>

#include "absl/status/status.h"

namespace limbeck::bench {

struct HarvestCase {
  std::string figure;
  // Of each answer; 20 candidates a token.
  size_t tokens = 1;
  size_t rows = 0;
  // Fetched by the bare client in a run.
  size_t bare_answers = 0;
  // Fetched by the peers' script in a run.
  size_t peer_rows = 0;
};

// Gateway, cache and a static teacher as processes of their own; limiter, ledger and durable
// commits are on. Prints one figure against libcurl + simdjson on the same server.
absl::Status MeasureHarvest(const HarvestCase& harvest);

}  // namespace limbeck::bench
