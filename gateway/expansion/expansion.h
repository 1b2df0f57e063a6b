// The queries of a job as a sequence that is computed, not stored: row × variant × sample. What a
// variant stands for is computed too, by variant_space.h.
#pragma once

#include <cstdint>

#include "absl/status/statusor.h"

namespace limbeck::gateway {

struct ExpansionSpec {
  uint64_t rows = 0;
  // Combinations of template, variables and temperature that a row is asked in
  // (VariantSpace::per_row), 1 … 1,024.
  uint32_t positions = 1;
  // Noisy variants beside the clean one of each position, 0 … 16.
  uint32_t noise_variants = 0;
  // Answers asked for per prompt: votes, or labels that are scored, 1 … 1,000.
  uint32_t samples = 1;
  // A job with more queries is refused.
  uint64_t max_queries = 1'000'000'000;
  // So is one that asks this much about a single row: a row's queries are made together.
  uint32_t max_queries_per_row = 4096;
};

struct ExpansionItem {
  uint64_t row = 0;
  // position × (noise variants + 1) + noise: 0 is the clean prompt of the first position.
  uint32_t variant = 0;
  uint32_t sample = 0;

  friend bool operator==(const ExpansionItem&, const ExpansionItem&) = default;
};

// What a variant index is made of.
struct VariantParts {
  uint32_t position = 0;
  uint32_t noise = 0;  // 0 is clean.
};

inline VariantParts SplitVariant(uint32_t variant, uint32_t noise_variants) {
  return {variant / (noise_variants + 1), variant % (noise_variants + 1)};
}

// Immutable, constant memory, any position in constant time. Rows change slowest: the first rows'
// queries come first, which a smoke test of 16 rows needs, and a row is read once.
class Expansion {
 public:
  // INVALID_ARGUMENT names the field at fault.
  static absl::StatusOr<Expansion> Create(const ExpansionSpec& spec);

  uint64_t size() const { return spec_.rows * per_row(); }
  // Queries of one row.
  uint64_t per_row() const {
    return uint64_t{spec_.positions} * (uint64_t{spec_.noise_variants} + 1) * spec_.samples;
  }

  // `index` < size().
  ExpansionItem At(uint64_t index) const;
  // The inverse of At; `item` is within the spec.
  uint64_t IndexOf(const ExpansionItem& item) const;

 private:
  explicit Expansion(const ExpansionSpec& spec) : spec_(spec) {}
  ExpansionSpec spec_;
};

}  // namespace limbeck::gateway
