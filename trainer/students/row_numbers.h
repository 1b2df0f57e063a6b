// A batch's own numbering of the table rows that it touches.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace limbeck::trainer {

// Replaces each of `rows`, all below 2^`bits`, by its index in the ascending list of the distinct
// ones, which is returned. Time is linear.
std::vector<uint32_t> NumberRows(uint32_t bits, std::span<uint32_t> rows);

}  // namespace limbeck::trainer
