#include "gateway/noise/prompt_noise.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/hash.h"

namespace limbeck::gateway {
namespace {

// More than this is no longer a variant of the same question.
constexpr double kMaxProbability = 0.5;

struct Word {
  std::string_view space;  // Whitespace before it.
  std::string_view text;
};

bool IsSpace(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

std::vector<Word> SplitWords(std::string_view text) {
  std::vector<Word> words;
  size_t position = 0;
  while (position < text.size()) {
    const size_t space = position;
    while (position < text.size() && IsSpace(text[position])) ++position;
    const size_t start = position;
    while (position < text.size() && !IsSpace(text[position])) ++position;
    // Whitespace at the very end belongs to no word.
    if (position == start) break;
    words.push_back({text.substr(space, start - space), text.substr(start, position - start)});
  }
  return words;
}

// Bytes of the code point that starts at `position`: its lead byte and what continues it. A stray
// continuation byte counts as one character, so invalid text passes through unharmed.
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

std::vector<Word> DropWords(std::vector<Word> words, double probability, StableRandom& random) {
  std::vector<Word> kept;
  for (const Word& word : words) {
    if (random.Uniform() >= probability) kept.push_back(word);
  }
  if (kept.empty()) kept.push_back(words[random.Below(words.size())]);
  return kept;
}

void AppendSwapped(std::string_view word, double probability, StableRandom& random,
                   std::string& out) {
  std::vector<std::string_view> points = SplitCodePoints(word);
  for (size_t i = 0; i + 1 < points.size(); ++i) {
    if (random.Uniform() >= probability) continue;
    std::swap(points[i], points[i + 1]);
    ++i;  // A character moves by one place at most.
  }
  for (const std::string_view point : points) out += point;
}

void AppendNumber(uint64_t number, int bytes, std::string& out) {
  for (int i = 0; i < bytes; ++i) out += static_cast<char>(number >> (8 * i));
}

}  // namespace

uint64_t RowHash(std::string_view row_id) { return Xxh3(row_id); }

absl::Status ValidatePromptNoise(const PromptNoiseSpec& spec) {
  const std::pair<const char*, double> fields[] = {{"word_drop", spec.word_drop},
                                                   {"char_swap", spec.char_swap}};
  for (const auto& [name, value] : fields) {
    // Written so that NaN fails.
    if (!(value >= 0 && value <= kMaxProbability)) {
      return absl::InvalidArgumentError(
          absl::StrCat(name, " is ", value, "; expected 0 … ", kMaxProbability));
    }
  }
  return absl::OkStatus();
}

std::string PerturbText(std::string_view text, const PromptNoiseSpec& spec,
                        const PromptNoiseKey& key) {
  std::string stream;
  AppendNumber(key.row_hash, 8, stream);
  AppendNumber(key.variant, 4, stream);
  AppendNumber(key.sample, 4, stream);
  StableRandom random(spec.seed, Xxh3(stream));

  std::vector<Word> words = SplitWords(text);
  if (words.empty()) return std::string(text);
  const char* const first = words.front().text.data();
  const std::string_view tail = text.substr(words.back().text.end() - text.begin());
  if (spec.word_drop > 0) words = DropWords(std::move(words), spec.word_drop, random);
  std::string out;
  out.reserve(text.size());
  for (const Word& word : words) {
    // The new first word does not inherit the gap that used to stand before it.
    if (!out.empty() || word.text.data() == first) out += word.space;
    if (spec.char_swap > 0) {
      AppendSwapped(word.text, spec.char_swap, random, out);
    } else {
      out += word.text;
    }
  }
  out += tail;
  return out;
}

}  // namespace limbeck::gateway
