#include "gateway/jobs/harvest_mark.h"

#include <bit>
#include <type_traits>
#include <utility>

#include "base/kv/engine.h"

namespace limbeck::gateway {
namespace {

constexpr uint64_t kVersion = 1;

// The fixed numbers of a mark, in the order in which they are kept.
template <typename Mark, typename Visit>
bool VisitNumbers(Mark& mark, Visit visit) {
  return visit(mark.index) && visit(mark.size) && visit(mark.tally.usable) &&
         visit(mark.tally.rejected) && visit(mark.tally.leftover_sum) &&
         visit(mark.tally.cost.cached) && visit(mark.tally.cost.bought) &&
         visit(mark.tally.cost.micro_usd) && visit(mark.tally.cost.squares) &&
         visit(mark.tally.cost.estimate_micro_usd);
}

}  // namespace

ItemTally& ItemTally::operator+=(const ItemTally& more) {
  usable += more.usable;
  rejected += more.rejected;
  leftover_sum += more.leftover_sum;
  cost += more.cost;
  return *this;
}

std::string EncodeMark(const HarvestMark& mark) {
  std::string bytes;
  kv::AppendOrderedU64(&bytes, kVersion);
  VisitNumbers(mark, [&](const auto& number) {
    kv::AppendOrderedU64(&bytes, std::bit_cast<uint64_t>(number));
    return true;
  });
  for (const std::string& model : mark.models) kv::AppendOrderedString(&bytes, model);
  return bytes;
}

absl::StatusOr<HarvestMark> DecodeMark(std::string_view bytes) {
  const absl::Status damaged = absl::DataLossError("damaged mark of a harvest");
  uint64_t version = 0;
  if (!kv::ConsumeOrderedU64(&bytes, &version) || version != kVersion) return damaged;
  HarvestMark mark;
  const bool whole = VisitNumbers(mark, [&](auto& number) {
    uint64_t raw = 0;
    if (!kv::ConsumeOrderedU64(&bytes, &raw)) return false;
    number = std::bit_cast<std::remove_reference_t<decltype(number)>>(raw);
    return true;
  });
  if (!whole) return damaged;
  while (!bytes.empty()) {
    std::string model;
    if (!kv::ConsumeOrderedString(&bytes, &model)) return damaged;
    mark.models.insert(std::move(model));
  }
  return mark;
}

}  // namespace limbeck::gateway
