// Hashed bag of word and character n-grams. Pure and thread-safe.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace limbeck::trainer {

// Ranges are checked by the student that owns the options.
struct NgramOptions {
  uint32_t hash_bits = 18;
  uint32_t max_word_ngram = 2;
  uint32_t min_char_ngram = 3;
  uint32_t max_char_ngram = 5;  // 0: none.
};

// A sparse vector: distinct rows in ascending order with their weights.
struct SparseFeatures {
  std::vector<uint32_t> rows;
  std::vector<float> weights;
};

// Features of `text`: word n-grams of 1 … max_word_ngram words, and character n-grams inside each
// word with its boundaries as spaces. A feature that occurs n times weighs 1 + ln n; words and
// characters are each scaled to unit length and halved in square, so that the whole has unit length
// and a long word cannot drown the words around it. Empty for a text without words. Rows are XXH3
// of the n-gram's bytes with a fixed seed per kind, so that artifacts read the same everywhere.
SparseFeatures ExtractNgrams(std::string_view text, const NgramOptions& options);

}  // namespace limbeck::trainer
