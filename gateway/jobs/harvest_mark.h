// How far a harvest has come, at rest: everything before a place in the expansion is settled.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "gateway/jobs/cost_projection.h"

namespace limbeck::gateway {

// What became of one item, a row in one variant, or of several.
struct ItemTally {
  uint64_t usable = 0;
  uint64_t rejected = 0;
  double leftover_sum = 0.0;  // Over usable items.
  CostSample cost;            // Of their queries.

  ItemTally& operator+=(const ItemTally& more);
};

struct HarvestMark {
  // Of the first query that is not settled (Expansion). Queries before it have a durable answer, or
  // their item is durably rejected.
  uint64_t index = 0;
  // Of that expansion: a mark of another size belongs to another sequence.
  uint64_t size = 0;
  // Of all items before `index`.
  ItemTally tally;
  // As teachers named themselves so far.
  std::set<std::string> models;
};

std::string EncodeMark(const HarvestMark& mark);
// DATA_LOSS for anything that EncodeMark does not write.
absl::StatusOr<HarvestMark> DecodeMark(std::string_view bytes);

}  // namespace limbeck::gateway
