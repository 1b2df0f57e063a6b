#include "gateway/expansion/split.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "base/hash.h"
#include "gateway/expansion/fold_text.h"

namespace limbeck::gateway {
namespace {

constexpr double kMaxShare = 0.9;

}  // namespace

absl::StatusOr<Split> Split::Create(const SplitSpec& spec) {
  const std::pair<const char*, double> shares[] = {{"validation", spec.validation},
                                                   {"held_out", spec.held_out}};
  for (const auto& [name, share] : shares) {
    // Written so that NaN fails.
    if (!(share >= 0 && share <= kMaxShare)) {
      return absl::InvalidArgumentError(
          absl::StrCat(name, " share is ", share, "; expected 0 … ", kMaxShare));
    }
  }
  if (spec.validation + spec.held_out >= 1) {
    return absl::InvalidArgumentError(absl::StrCat("validation and held_out shares are ",
                                                   spec.validation + spec.held_out,
                                                   " together; expected less than 1"));
  }
  return Split(spec);
}

DatasetPart Split::Of(std::string_view student_input) const {
  const double point = StableRandom(spec_.seed, TextHash(student_input)).Uniform();
  // Held-out rows come first, so that changing the validation share never moves one of them.
  if (point < spec_.held_out) return DatasetPart::kHeldOut;
  if (point < spec_.held_out + spec_.validation) return DatasetPart::kValidation;
  return DatasetPart::kTrain;
}

}  // namespace limbeck::gateway
