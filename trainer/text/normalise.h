// Text as students see it: lower-cased, cut into words. Pure and thread-safe; any bytes are
// accepted, invalid UTF-8 included.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace limbeck::trainer {

// Bytes of the UTF-8 sequence that starts at `text[i]`; 1 for a byte that starts none.
size_t CodePointSize(std::string_view text, size_t i);

// Words of a text in one string with a space before, between and after them, so that every word
// n-gram and every character n-gram with its word boundary is a contiguous piece of it.
struct WordText {
  std::string spaced;          // " the red fox "; " " for a text without words.
  std::vector<size_t> starts;  // Offset of each word's first byte.
  std::vector<size_t> ends;    // Offset behind each word's last byte (a space).
};

// Lower-cases ASCII, Latin-1 supplement, Greek and Cyrillic capitals; a word is a run of letters,
// digits and code points that are not known separators (ASCII punctuation, U+0080…U+00BF, ×, ÷,
// general punctuation, CJK punctuation).
WordText NormaliseWords(std::string_view text);

}  // namespace limbeck::trainer
