#include "trainer/text/normalise.h"

#include <cstdint>

namespace limbeck::trainer {
namespace {

bool IsContinuation(char byte) { return (static_cast<unsigned char>(byte) & 0xC0) == 0x80; }

uint32_t DecodeAt(std::string_view text, size_t i, size_t size) {
  const auto lead = static_cast<unsigned char>(text[i]);
  if (size == 1) return lead;
  uint32_t point = lead & (0xFFu >> (size + 1));
  for (size_t k = 1; k < size; ++k) {
    point = (point << 6) | (static_cast<unsigned char>(text[i + k]) & 0x3Fu);
  }
  return point;
}

uint32_t Lower(uint32_t point) {
  if (point >= 'A' && point <= 'Z') return point + 32;
  if (point < 0xC0) return point;
  if (point <= 0xDE) return point == 0xD7 ? point : point + 32;
  if (point >= 0x391 && point <= 0x3A9) return point + 32;
  if (point >= 0x410 && point <= 0x42F) return point + 32;
  if (point >= 0x400 && point <= 0x40F) return point + 80;
  return point;
}

bool IsWordPoint(uint32_t point) {
  if (point < 0x80) {
    return (point >= '0' && point <= '9') || (point >= 'a' && point <= 'z') ||
           (point >= 'A' && point <= 'Z');
  }
  if (point < 0xC0 || point == 0xD7 || point == 0xF7) return false;
  if (point >= 0x2000 && point <= 0x206F) return false;
  return !(point >= 0x3000 && point <= 0x303F);
}

void AppendUtf8(uint32_t point, std::string* out) {
  if (point < 0x80) {
    *out += static_cast<char>(point);
  } else if (point < 0x800) {
    *out += static_cast<char>(0xC0 | (point >> 6));
    *out += static_cast<char>(0x80 | (point & 0x3F));
  }
}

}  // namespace

size_t CodePointSize(std::string_view text, size_t i) {
  const auto lead = static_cast<unsigned char>(text[i]);
  const size_t size = lead < 0xC2 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : lead < 0xF5 ? 4 : 1;
  if (i + size > text.size()) return 1;
  for (size_t k = 1; k < size; ++k) {
    if (!IsContinuation(text[i + k])) return 1;
  }
  return size;
}

WordText NormaliseWords(std::string_view text) {
  WordText words;
  words.spaced.reserve(text.size() + 2);
  words.spaced += ' ';
  bool inside = false;
  for (size_t i = 0; i < text.size();) {
    const size_t size = CodePointSize(text, i);
    const uint32_t point = DecodeAt(text, i, size);
    // A stray byte ≥ 0x80 is nobody's letter: it separates, as IsWordPoint says for its value
    // below U+00C0, and above too.
    const bool word = IsWordPoint(point) && !(size == 1 && point >= 0x80);
    if (word != inside) {
      (word ? words.starts : words.ends).push_back(words.spaced.size());
      if (!word) words.spaced += ' ';
      inside = word;
    }
    if (word) {
      const uint32_t lower = Lower(point);
      if (lower < 0x800) {
        AppendUtf8(lower, &words.spaced);
      } else {
        words.spaced.append(text.substr(i, size));
      }
    }
    i += size;
  }
  if (inside) {
    words.ends.push_back(words.spaced.size());
    words.spaced += ' ';
  }
  return words;
}

}  // namespace limbeck::trainer
