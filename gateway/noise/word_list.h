// A text as words and the whitespace before each: what noise on prompts works on.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace limbeck::gateway {

struct Word {
  std::string_view space;  // Whitespace before it; of the text, which must outlive the list.
  std::string text;        // Never empty.
};

struct WordList {
  std::vector<Word> words;
  std::string_view tail;  // Whitespace after the last word; the whole text where it has none.
};

// Words are what ASCII whitespace separates.
WordList SplitWords(std::string_view text);
std::string JoinWords(const WordList& list);

// UTF-8 code points: a lead byte and what continues it. A stray continuation byte counts as one
// character, so invalid text passes through unharmed.
std::vector<std::string_view> SplitCodePoints(std::string_view word);

}  // namespace limbeck::gateway
