#include "gateway/expansion/split.h"

#include <string>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "base/hash.h"

namespace limbeck::gateway {
namespace {

constexpr double kMaxShare = 0.9;

std::string Normalised(std::string_view text) {
  std::string normal;
  normal.reserve(text.size());
  bool gap = false;
  for (const char c : text) {
    if (absl::ascii_isspace(static_cast<unsigned char>(c))) {
      gap = !normal.empty();
      continue;
    }
    if (gap) normal += ' ';
    gap = false;
    normal += absl::ascii_tolower(static_cast<unsigned char>(c));
  }
  return normal;
}

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
  const double point = StableRandom(spec_.seed, Xxh3(Normalised(student_input))).Uniform();
  // Held-out rows come first, so that changing the validation share never moves one of them.
  if (point < spec_.held_out) return DatasetPart::kHeldOut;
  if (point < spec_.held_out + spec_.validation) return DatasetPart::kValidation;
  return DatasetPart::kTrain;
}

}  // namespace limbeck::gateway
