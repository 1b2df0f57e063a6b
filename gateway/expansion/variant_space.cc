#include "gateway/expansion/variant_space.h"

#include <numeric>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/hash.h"

namespace limbeck::gateway {
namespace {

constexpr double kMaxWeight = 1e6;

absl::Status CheckAxis(const VariantAxis& axis) {
  if (axis.weights.empty()) {
    return absl::InvalidArgumentError(absl::StrCat(axis.name, " has no values"));
  }
  for (const double weight : axis.weights) {
    // Written so that NaN fails.
    if (!(weight > 0 && weight <= kMaxWeight)) {
      return absl::InvalidArgumentError(absl::StrCat(
          axis.name, " has the weight ", weight, "; expected above 0 and at most ", kMaxWeight));
    }
  }
  return absl::OkStatus();
}

}  // namespace

uint64_t DrawKey(uint64_t row_hash, uint32_t position) {
  return StableRandom(row_hash, position).Next();
}

uint32_t PickByWeight(const std::vector<double>& weights, double point) {
  double left = point * std::accumulate(weights.begin(), weights.end(), 0.0);
  uint32_t last = 0;
  for (uint32_t i = 0; i < weights.size(); ++i) {
    if (weights[i] <= 0) continue;
    last = i;
    if (left < weights[i]) return i;
    left -= weights[i];
  }
  return last;  // Rounding may pass the end.
}

absl::StatusOr<VariantSpace> VariantSpace::Create(const VariantSpaceSpec& spec) {
  VariantSpace space;
  space.cell_weights_ = {1.0};
  for (const VariantAxis& axis : spec.axes) {
    if (absl::Status fault = CheckAxis(axis); !fault.ok()) return fault;
    // Divided, since the product may not fit.
    if (axis.weights.size() > kMaxCells / space.cell_weights_.size()) {
      return absl::InvalidArgumentError(absl::StrCat(
          "more than ", kMaxCells, " combinations; take fewer values, or split the job"));
    }
    std::vector<double> product;
    for (const double before : space.cell_weights_) {
      for (const double weight : axis.weights) product.push_back(before * weight);
    }
    space.cell_weights_ = std::move(product);
    space.sizes_.push_back(static_cast<uint32_t>(axis.weights.size()));
  }
  if (spec.draws > kMaxDraws || spec.draws > space.cells()) {
    return absl::InvalidArgumentError(absl::StrCat("draws are ", spec.draws, " of ", space.cells(),
                                                   " combinations; expected at most that, and at "
                                                   "most ",
                                                   kMaxDraws));
  }
  space.draws_ = spec.draws;
  space.seed_ = spec.seed;
  return space;
}

uint32_t VariantSpace::CellOf(uint64_t row_hash, uint32_t position) const {
  if (draws_ == 0) return position;
  StableRandom random(seed_, row_hash);
  std::vector<double> left = cell_weights_;
  while (true) {
    const uint32_t cell = PickByWeight(left, random.Uniform());
    if (position-- == 0) return cell;
    left[cell] = 0;
  }
}

std::vector<uint32_t> VariantSpace::ChoicesOf(uint32_t cell) const {
  std::vector<uint32_t> choices(sizes_.size());
  for (size_t axis = sizes_.size(); axis-- > 0;) {
    choices[axis] = cell % sizes_[axis];
    cell /= sizes_[axis];
  }
  return choices;
}

uint32_t VariantSpace::CellFrom(const std::vector<uint32_t>& choices) const {
  uint32_t cell = 0;
  for (size_t axis = 0; axis < sizes_.size(); ++axis) cell = cell * sizes_[axis] + choices[axis];
  return cell;
}

}  // namespace limbeck::gateway
