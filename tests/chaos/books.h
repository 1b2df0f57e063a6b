// The books after a fault: the teacher's invoice against the ledger.
#pragma once

#include <cstddef>
#include <cstdint>

#include "nlohmann/json.hpp"
#include "tests/chaos/harvest_world.h"

namespace limbeck::testing {

struct Books {
  size_t served = 0;
  size_t excess = 0;  // Calls beyond one for each key.
  int64_t ambiguous = 0;
};

// Each of `distinct` keys was served, calls beyond that are no more than the ambiguous ones, no
// money is still reserved, and every record reads back whole. Adds to `total`, which may be null.
void ExpectBooksToBalance(HarvestWorld& world, const nlohmann::json& job, size_t distinct,
                          Books* total = nullptr);

}  // namespace limbeck::testing
