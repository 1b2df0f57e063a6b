// Seeded noise on the text a teacher is asked about: a variant of the question, not of the answer.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/status.h"

namespace limbeck::gateway {

struct PromptNoiseSpec {
  // Probability that a word is dropped, 0 … 0.5.
  double word_drop = 0.0;
  // Probability that a character trades places with its right neighbour in the word, 0 … 0.5.
  double char_swap = 0.0;
  uint64_t seed = 0;
};

// Which noise is drawn. Variant 0 is by convention the clean text; PerturbText does not know that.
struct PromptNoiseKey {
  uint64_t row_hash = 0;  // RowHash of the row's id.
  uint32_t variant = 0;
  uint32_t sample = 0;
};

// What `row_hash` is made of, so that noise follows a row when its file is reordered.
uint64_t RowHash(std::string_view row_id);

// INVALID_ARGUMENT names the field and its range.
absl::Status ValidatePromptNoise(const PromptNoiseSpec& spec);

// A pure function, equal on every machine. Words are what whitespace (ASCII) separates; a dropped
// word takes the whitespace before it along. Characters are UTF-8 code points, so valid text stays
// valid. Text with a word keeps at least one: the result is never empty unless `text` is.
std::string PerturbText(std::string_view text, const PromptNoiseSpec& spec,
                        const PromptNoiseKey& key);

}  // namespace limbeck::gateway
