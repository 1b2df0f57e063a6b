#include "gateway/noise/word_list.h"

namespace limbeck::gateway {
namespace {

bool IsSpace(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

}  // namespace

WordList SplitWords(std::string_view text) {
  WordList list;
  size_t position = 0;
  while (position < text.size()) {
    const size_t space = position;
    while (position < text.size() && IsSpace(text[position])) ++position;
    const size_t start = position;
    while (position < text.size() && !IsSpace(text[position])) ++position;
    if (position == start) {
      list.tail = text.substr(space);
      break;
    }
    list.words.push_back(
        {text.substr(space, start - space), std::string(text.substr(start, position - start))});
  }
  return list;
}

std::string JoinWords(const WordList& list) {
  std::string out;
  for (const Word& word : list.words) {
    out += word.space;
    out += word.text;
  }
  out += list.tail;
  return out;
}

std::vector<std::string_view> SplitCodePoints(std::string_view word) {
  std::vector<std::string_view> points;
  for (size_t position = 0; position < word.size();) {
    size_t end = position + 1;
    while (end < word.size() && (static_cast<unsigned char>(word[end]) & 0xc0) == 0x80) ++end;
    points.push_back(word.substr(position, end - position));
    position = end;
  }
  return points;
}

}  // namespace limbeck::gateway
