// The books after a fault: the teacher's invoice against the ledger.
#pragma once

#include <cstddef>

#include "nlohmann/json.hpp"
#include "tests/chaos/harvest_world.h"

namespace limbeck::testing {

// Each of `distinct` keys was served, calls beyond that are no more than the ambiguous ones, no
// money is still reserved, and every record reads back whole.
void ExpectBooksToBalance(HarvestWorld& world, const nlohmann::json& job, size_t distinct);

}  // namespace limbeck::testing
