#include "trainer/text/hashed_ngrams.h"

#include <algorithm>
#include <cmath>

#include "base/hash.h"
#include "trainer/text/normalise.h"
#include "trainer/text/radix_sort.h"

namespace limbeck::trainer {
namespace {

// Part of the artifact format: changing them makes every stored student wrong.
constexpr uint64_t kWordSeed = 0x6c696d6265636b57ULL;
constexpr uint64_t kCharSeed = 0x6c696d6265636b43ULL;

uint32_t Row(std::string_view ngram, uint64_t seed, uint32_t hash_bits) {
  return static_cast<uint32_t>(Xxh3(ngram, seed) >> (64 - hash_bits));
}

void WordRows(const WordText& words, const NgramOptions& options, std::vector<uint32_t>* rows) {
  const std::string_view spaced = words.spaced;
  for (size_t first = 0; first < words.starts.size(); ++first) {
    const size_t stop = std::min<size_t>(words.starts.size(), first + options.max_word_ngram);
    for (size_t last = first; last < stop; ++last) {
      const size_t begin = words.starts[first];
      rows->push_back(
          Row(spaced.substr(begin, words.ends[last] - begin), kWordSeed, options.hash_bits));
    }
  }
}

void CharRows(const WordText& words, const NgramOptions& options, std::vector<uint32_t>* rows) {
  const std::string_view spaced = words.spaced;
  std::vector<size_t> points;
  for (size_t w = 0; w < words.starts.size(); ++w) {
    // The word with the space on either side.
    points.clear();
    for (size_t i = words.starts[w] - 1; i <= words.ends[w]; i += CodePointSize(spaced, i)) {
      points.push_back(i);
    }
    points.push_back(words.ends[w] + 1);
    const size_t count = points.size() - 1;
    for (size_t n = options.min_char_ngram; n <= options.max_char_ngram && n <= count; ++n) {
      for (size_t first = 0; first + n <= count; ++first) {
        rows->push_back(Row(spaced.substr(points[first], points[first + n] - points[first]),
                            kCharSeed, options.hash_bits));
      }
    }
  }
}

// Below this many a comparison sort is faster than the counters of a radix sort.
constexpr size_t kFewRows = 64;

void SortRows(uint32_t bits, std::vector<uint32_t>* rows) {
  if (rows->size() < kFewRows) {
    std::sort(rows->begin(), rows->end());
    return;
  }
  thread_local std::vector<uint32_t> scratch;
  RadixSort(
      bits, [](uint32_t row) { return row; }, rows, &scratch);
}

// Appends the distinct rows, which are sorted, with sublinear weights, scaled to squared length
// `share`.
void AppendScaled(const std::vector<uint32_t>& rows, double share,
                  std::vector<std::pair<uint32_t, float>>* features) {
  const size_t start = features->size();
  features->reserve(start + rows.size());
  double squares = 0.0;
  for (size_t i = 0; i < rows.size();) {
    size_t end = i;
    while (end < rows.size() && rows[end] == rows[i]) ++end;
    const double weight = end - i == 1 ? 1.0 : 1.0 + std::log(static_cast<double>(end - i));
    squares += weight * weight;
    features->emplace_back(rows[i], static_cast<float>(weight));
    i = end;
  }
  if (squares == 0.0) return;
  const auto scale = static_cast<float>(std::sqrt(share / squares));
  for (size_t i = start; i < features->size(); ++i) (*features)[i].second *= scale;
}

}  // namespace

SparseFeatures ExtractNgrams(std::string_view text, const NgramOptions& options) {
  const WordText words = NormaliseWords(text);
  std::vector<uint32_t> rows;
  std::vector<std::pair<uint32_t, float>> pairs;
  WordRows(words, options, &rows);
  const bool chars = options.max_char_ngram > 0;
  SortRows(options.hash_bits, &rows);
  AppendScaled(rows, chars ? 0.5 : 1.0, &pairs);
  if (chars) {
    const size_t word_pairs = pairs.size();
    rows.clear();
    CharRows(words, options, &rows);
    SortRows(options.hash_bits, &rows);
    AppendScaled(rows, 0.5, &pairs);
    std::inplace_merge(pairs.begin(), pairs.begin() + static_cast<std::ptrdiff_t>(word_pairs),
                       pairs.end());
  }
  SparseFeatures features;
  features.rows.reserve(pairs.size());
  features.weights.reserve(pairs.size());
  for (const auto& [row, weight] : pairs) {
    if (!features.rows.empty() && features.rows.back() == row) {
      features.weights.back() += weight;  // A word and a character n-gram share the row.
      continue;
    }
    features.rows.push_back(row);
    features.weights.push_back(weight);
  }
  return features;
}

}  // namespace limbeck::trainer
