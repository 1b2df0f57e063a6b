#include "gateway/expansion/expansion.h"

#include "absl/strings/str_cat.h"

namespace limbeck::gateway {
namespace {

constexpr uint32_t kMaxPositions = 1024;
constexpr uint32_t kMaxNoiseVariants = 16;
constexpr uint32_t kMaxSamples = 1000;

}  // namespace

absl::StatusOr<Expansion> Expansion::Create(const ExpansionSpec& spec) {
  if (spec.positions == 0 || spec.positions > kMaxPositions) {
    return absl::InvalidArgumentError(absl::StrCat("combinations per row are ", spec.positions,
                                                   "; expected 1 … ", kMaxPositions));
  }
  if (spec.noise_variants > kMaxNoiseVariants) {
    return absl::InvalidArgumentError(absl::StrCat("noise variants are ", spec.noise_variants,
                                                   "; expected 0 … ", kMaxNoiseVariants));
  }
  if (spec.samples == 0 || spec.samples > kMaxSamples) {
    return absl::InvalidArgumentError(
        absl::StrCat("samples are ", spec.samples, "; expected 1 … ", kMaxSamples));
  }
  const Expansion expansion(spec);
  if (expansion.per_row() > spec.max_queries_per_row) {
    return absl::InvalidArgumentError(
        absl::StrCat(spec.positions, " combinations × ", spec.noise_variants + 1,
                     " noise variants × ", spec.samples, " samples pass the limit of ",
                     spec.max_queries_per_row, " queries a row; draw fewer combinations"));
  }
  // Divided, since the product may not fit 64 bits.
  if (spec.rows > spec.max_queries / expansion.per_row()) {
    return absl::InvalidArgumentError(absl::StrCat(
        spec.rows, " rows × ", expansion.per_row(), " queries a row pass the limit of ",
        spec.max_queries, " queries; send fewer rows, variants or samples"));
  }
  return expansion;
}

ExpansionItem Expansion::At(uint64_t index) const {
  const uint64_t within = index % per_row();
  return {index / per_row(), static_cast<uint32_t>(within / spec_.samples),
          static_cast<uint32_t>(within % spec_.samples)};
}

uint64_t Expansion::IndexOf(const ExpansionItem& item) const {
  return item.row * per_row() + uint64_t{item.variant} * spec_.samples + item.sample;
}

}  // namespace limbeck::gateway
