#include "trainer/text/subword_tokens.h"

#include <algorithm>

#include "base/hash.h"
#include "trainer/text/normalise.h"

namespace limbeck::trainer {
namespace {

// Part of the artifact format.
constexpr uint64_t kStartSeed = 0x6c696d6265636b54ULL;
constexpr uint64_t kPieceSeed = 0x6c696d6265636b50ULL;
constexpr size_t kWholeWordPoints = 8;
constexpr size_t kPiecePoints = 5;
constexpr uint32_t kReservedTokens = 2;

}  // namespace

TokenisedText TokeniseHashed(std::string_view text, uint32_t vocabulary_bits, size_t max_tokens) {
  const WordText words = NormaliseWords(text);
  const std::string_view spaced = words.spaced;
  const uint64_t buckets = (uint64_t{1} << vocabulary_bits) - kReservedTokens;
  TokenisedText result;
  result.tokens.push_back(kStartToken);
  std::vector<size_t> points;
  for (size_t w = 0; w < words.starts.size(); ++w) {
    points.clear();
    for (size_t i = words.starts[w]; i < words.ends[w]; i += CodePointSize(spaced, i)) {
      points.push_back(i);
    }
    points.push_back(words.ends[w]);
    const size_t count = points.size() - 1;
    const size_t piece = count <= kWholeWordPoints ? count : kPiecePoints;
    for (size_t first = 0; first < count; first += piece) {
      if (result.tokens.size() == max_tokens) {
        result.cut = true;
        return result;
      }
      const size_t end = points[std::min(count, first + piece)];
      const uint64_t hash = Xxh3(spaced.substr(points[first], end - points[first]),
                                 first == 0 ? kStartSeed : kPieceSeed);
      result.tokens.push_back(kReservedTokens + static_cast<uint32_t>(hash % buckets));
    }
  }
  return result;
}

}  // namespace limbeck::trainer
