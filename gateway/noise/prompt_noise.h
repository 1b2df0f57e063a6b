// Seeded noise on the text a teacher is asked about: a variant of the question, not of the answer.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "gateway/noise/keyboard.h"
#include "gateway/noise/synonyms.h"

namespace limbeck::gateway {

// More than this is no longer a variant of the same question.
inline constexpr double kMaxPromptNoise = 0.5;

// Probabilities are 0 … kMaxPromptNoise; 0 switches a kind off.
struct PromptNoiseSpec {
  double word_drop = 0.0;  // That a word is dropped.
  double char_swap = 0.0;  // That a character trades places with its right neighbour in the word.
  uint64_t seed = 0;
  double word_swap = 0.0;           // That a word trades places with the next.
  double casing = 0.0;              // That a word is written in another case.
  double synonym = 0.0;             // That a word that has `synonyms` becomes one of them.
  double char_typo = 0.0;           // That a letter becomes one beside it on the `keyboard`.
  double char_drop = 0.0;           // That a character is dropped.
  double char_duplicate = 0.0;      // That a character is doubled.
  double punctuation_drop = 0.0;    // That an ASCII punctuation character is dropped.
  double punctuation_insert = 0.0;  // That punctuation is put after a word.
  Keyboard keyboard = Keyboard::kQwerty;
  std::shared_ptr<const SynonymTable> synonyms;  // Null for none.

  // Whether any kind is on.
  bool enabled() const;
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
//
// Kinds are applied in this order: synonyms, word drop, word swap, casing, punctuation drop and
// insert, then character swap, typo, drop and doubling. Each draws from a random stream of its own
// (word drop and character swap share one), so switching one on leaves what the others draw.
std::string PerturbText(std::string_view text, const PromptNoiseSpec& spec,
                        const PromptNoiseKey& key);

}  // namespace limbeck::gateway
