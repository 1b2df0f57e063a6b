#include "trainer/text/hashed_ngrams.h"

#include <chrono>
#include <cmath>
#include <string>

#include <gtest/gtest.h>

namespace limbeck::trainer {
namespace {

double SquaredLength(const SparseFeatures& features) {
  double squares = 0.0;
  for (const float weight : features.weights) squares += double{weight} * weight;
  return squares;
}

TEST(ExtractNgramsTest, CountsEveryWordNgramOnce) {
  const NgramOptions words_only{.hash_bits = 24, .max_word_ngram = 2, .max_char_ngram = 0};
  // a, b, c, "a b", "b c".
  EXPECT_EQ(ExtractNgrams("a b c", words_only).rows.size(), 5u);
  EXPECT_EQ(ExtractNgrams("a, B!  c", words_only).rows, ExtractNgrams("A b c", words_only).rows);
}

TEST(ExtractNgramsTest, CountsCharacterNgramsWithBoundaries) {
  const NgramOptions options{
      .hash_bits = 24, .max_word_ngram = 1, .min_char_ngram = 3, .max_char_ngram = 4};
  // Word "épi"; " ép", "épi", "pi ", " épi", "épi ".
  EXPECT_EQ(ExtractNgrams("Épi", options).rows.size(), 6u);
}

TEST(ExtractNgramsTest, HasUnitLengthAndAscendingRows) {
  const SparseFeatures features = ExtractNgrams("a bird in the hand and a bird in the bush", {});
  EXPECT_NEAR(SquaredLength(features), 1.0, 1e-3);
  for (size_t i = 1; i < features.rows.size(); ++i) {
    EXPECT_LT(features.rows[i - 1], features.rows[i]);
  }
}

TEST(ExtractNgramsTest, DampensRepeatedFeatures) {
  const NgramOptions unigrams{.hash_bits = 24, .max_word_ngram = 1, .max_char_ngram = 0};
  const SparseFeatures features = ExtractNgrams("x x x x y", unigrams);
  ASSERT_EQ(features.weights.size(), 2u);
  const float high = std::max(features.weights[0], features.weights[1]);
  const float low = std::min(features.weights[0], features.weights[1]);
  EXPECT_NEAR(high / low, 1.0 + std::log(4.0), 1e-5);
}

TEST(ExtractNgramsTest, RowsAreFixedForStoredStudents) {
  const NgramOptions unigrams{.hash_bits = 18, .max_word_ngram = 1, .max_char_ngram = 0};
  EXPECT_EQ(ExtractNgrams("limbeck", unigrams).rows, (std::vector<uint32_t>{49370}));
}

TEST(ExtractNgramsTest, IsEmptyWithoutWords) {
  EXPECT_TRUE(ExtractNgrams("", {}).rows.empty());
  EXPECT_TRUE(ExtractNgrams("?! …", {}).rows.empty());
}

TEST(ExtractNgramsTest, KeepsUpWithTeachers) {
  const std::string text =
      "large harmless hawk found worldwide that feeds on fish and builds a bulky nest often "
      "occupied for years";
  const auto start = std::chrono::steady_clock::now();
  size_t rows = 0;
  for (int i = 0; i < 2000; ++i) rows += ExtractNgrams(text, {}).rows.size();
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  EXPECT_GT(rows, 0u);
  // A tenth of the million texts a minute that an idle core does, so that a busy machine passes.
  EXPECT_GT(2000 / seconds.count() * 60, 100'000);
}

}  // namespace
}  // namespace limbeck::trainer
