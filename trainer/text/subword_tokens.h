// Hashed word and sub-word tokens for the encoder. Pure and thread-safe.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace limbeck::trainer {

inline constexpr uint32_t kPaddingToken = 0;
// First token of every text, so that no text is empty.
inline constexpr uint32_t kStartToken = 1;

struct TokenisedText {
  std::vector<uint32_t> tokens;  // In [1, 2^vocabulary_bits), at most `max_tokens`.
  bool cut = false;              // The text had more tokens.
};

// A word of up to 8 code points is one token; a longer one gives its first 5 code points as a
// token, then pieces of up to 5 that are hashed apart from word starts. Hashing (XXH3, fixed seed)
// needs no vocabulary file; what collides is learnt together.
TokenisedText TokeniseHashed(std::string_view text, uint32_t vocabulary_bits, size_t max_tokens);

}  // namespace limbeck::trainer
