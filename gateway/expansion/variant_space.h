// The combinations in which a row's prompt may be asked, and which of them a row gets.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace limbeck::gateway {

// One thing that varies: the template, a grid variable, the temperature.
struct VariantAxis {
  std::string name;
  // One per value, finite and above 0. How often values are drawn, relative to each other.
  std::vector<double> weights;
};

struct VariantSpaceSpec {
  // The last one changes fastest. May be empty: one combination.
  std::vector<VariantAxis> axes;
  // Combinations drawn for each row, all different; 0 for every combination.
  uint32_t draws = 0;
  uint64_t seed = 1;
};

// Immutable, thread-safe. Its size depends on the spec alone: which combinations a row gets is
// computed from the row's hash, never stored.
class VariantSpace {
 public:
  static constexpr uint32_t kMaxCells = 1024;
  static constexpr uint32_t kMaxDraws = 64;

  // INVALID_ARGUMENT names the axis or limit at fault.
  static absl::StatusOr<VariantSpace> Create(const VariantSpaceSpec& spec);

  // All combinations.
  uint32_t cells() const { return static_cast<uint32_t>(cell_weights_.size()); }
  // Combinations of one row.
  uint32_t per_row() const { return draws_ > 0 ? draws_ : cells(); }

  // The combination at `position` < per_row() of a row. Drawn ones are all different, by weight
  // without replacement. O(position × cells) where drawn, else constant.
  uint32_t CellOf(uint64_t row_hash, uint32_t position) const;

  // Which value each axis has in `cell` < cells(), and back.
  std::vector<uint32_t> ChoicesOf(uint32_t cell) const;
  uint32_t CellFrom(const std::vector<uint32_t>& choices) const;

 private:
  VariantSpace() = default;

  std::vector<uint32_t> sizes_;  // Values per axis.
  std::vector<double> cell_weights_;
  uint32_t draws_ = 0;
  uint64_t seed_ = 0;
};

// Names one prompt of a row; what is drawn for it hangs on this alone.
uint64_t DrawKey(uint64_t row_hash, uint32_t position);

// An index drawn by weight. `weights` as in VariantAxis and not empty; `point` in [0, 1).
uint32_t PickByWeight(const std::vector<double>& weights, double point);

}  // namespace limbeck::gateway
