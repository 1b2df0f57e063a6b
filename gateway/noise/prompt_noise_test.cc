#include "gateway/noise/prompt_noise.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <set>
#include <string>

#include "base/hash.h"

namespace limbeck::gateway {
namespace {

constexpr char kText[] = "a small carnivore kept by people since ancient times";

PromptNoiseKey Key(uint64_t row, uint32_t variant = 1, uint32_t sample = 0) {
  return {row, variant, sample};
}

size_t CountWords(const std::string& text) {
  if (text.empty()) return 0;
  return 1 + static_cast<size_t>(std::count(text.begin(), text.end(), ' '));
}

TEST(PromptNoiseTest, EqualInputsGiveEqualTextAndEveryInputMatters) {
  const PromptNoiseSpec spec{.word_drop = 0.3, .char_swap = 0.3, .seed = 7};
  const std::string text = PerturbText(kText, spec, Key(1, 2, 3));
  EXPECT_EQ(PerturbText(kText, spec, Key(1, 2, 3)), text);
  PromptNoiseSpec other = spec;
  other.seed = 8;
  const std::set<std::string> all = {
      text, PerturbText(kText, spec, Key(2, 2, 3)), PerturbText(kText, spec, Key(1, 1, 3)),
      PerturbText(kText, spec, Key(1, 2, 4)), PerturbText(kText, other, Key(1, 2, 3))};
  EXPECT_EQ(all.size(), 5u);
}

TEST(PromptNoiseTest, GoldenValueHoldsOnEveryMachine) {
  EXPECT_EQ(
      PerturbText(kText, {.word_drop = 0.2, .char_swap = 0.1, .seed = 1}, Key(RowHash("n-1"))),
      "a msall carnivore by people sinec ancient times");
}

// What specs with these two kinds gave before there were others: answers bought under it stay.
TEST(PromptNoiseTest, TheFirstTwoKindsKeepTheirBytes) {
  const std::string text = "  The quick,  brown\tfox né日本 jumps \n";
  const PromptNoiseSpec both{.word_drop = 0.4, .char_swap = 0.3, .seed = 3};
  const PromptNoiseSpec drop{.word_drop = 0.5, .seed = 3};
  const PromptNoiseSpec swap{.char_swap = 0.5, .seed = 3};
  std::string all;
  for (uint32_t row = 0; row < 300; ++row) {
    for (const PromptNoiseSpec& spec : {both, drop, swap}) {
      all += PerturbText(text, spec, Key(row, row % 3, row % 2)) + "|";
    }
  }
  EXPECT_EQ(Xxh3(all), 14919200375643223723u);
}

TEST(PromptNoiseTest, WithoutNoiseTheTextIsUntouched) {
  const std::string text = "  two  spaces\tand a tail \n";
  EXPECT_EQ(PerturbText(text, {}, Key(1)), text);
}

TEST(PromptNoiseTest, WordsAreDroppedAtTheGivenRate) {
  const PromptNoiseSpec spec{.word_drop = 0.2};
  std::string text = "w";
  for (int i = 1; i < 100; ++i) text += " w";
  constexpr int kRuns = 500;
  double kept = 0;
  for (int i = 0; i < kRuns; ++i) kept += CountWords(PerturbText(text, spec, Key(i)));
  const double n = 100.0 * kRuns;
  const double sigma = std::sqrt(0.2 * 0.8 / n);
  EXPECT_NEAR(1 - kept / n, 0.2, 4 * sigma);
}

TEST(PromptNoiseTest, CharactersAreSwappedAtTheGivenRate) {
  // Two characters leave one possible swap a word.
  const PromptNoiseSpec spec{.char_swap = 0.1};
  constexpr int kRuns = 20'000;
  int swapped = 0;
  for (int i = 0; i < kRuns; ++i) swapped += PerturbText("ab", spec, Key(i)) == "ba";
  EXPECT_NEAR(swapped / static_cast<double>(kRuns), 0.1, 4 * std::sqrt(0.1 * 0.9 / kRuns));
}

TEST(PromptNoiseTest, SwapsMoveCharactersByOnePlaceWithinTheirWord) {
  const PromptNoiseSpec spec{.char_swap = 0.5};
  for (int row = 0; row < 200; ++row) {
    const std::string text = PerturbText("abcdef xyz", spec, Key(row));
    ASSERT_EQ(text.size(), 10u);
    EXPECT_EQ(text[6], ' ');
    for (int i = 0; i < 6; ++i) EXPECT_LE(std::abs(text[i] - 'a' - i), 1) << text;
  }
}

TEST(PromptNoiseTest, NeverEmptiesTextThatHasAWord) {
  const PromptNoiseSpec spec{.word_drop = 0.5, .char_swap = 0.5};
  std::set<std::string> seen;
  for (int row = 0; row < 500; ++row) {
    const std::string text = PerturbText(" one two ", spec, Key(row));
    EXPECT_NE(text.find_first_not_of(' '), std::string::npos);
    seen.insert(text);
  }
  EXPECT_GT(seen.size(), 5u);
  EXPECT_EQ(PerturbText("", spec, Key(1)), "");
  EXPECT_EQ(PerturbText(" \n", spec, Key(1)), " \n");
}

TEST(PromptNoiseTest, CodePointsStayWhole) {
  const PromptNoiseSpec spec{.char_swap = 0.5};
  const std::string text = "né日本𝄞x";
  std::string sorted = text;
  std::sort(sorted.begin(), sorted.end());
  for (int row = 0; row < 200; ++row) {
    std::string noisy = PerturbText(text, spec, Key(row));
    for (const char* point : {"n", "é", "日", "本", "𝄞", "x"}) {
      EXPECT_NE(noisy.find(point), std::string::npos) << noisy;
    }
    std::sort(noisy.begin(), noisy.end());
    EXPECT_EQ(noisy, sorted);
  }
}

TEST(PromptNoiseTest, ProbabilitiesOutsideTheRangeAreNamed) {
  EXPECT_TRUE(ValidatePromptNoise({.word_drop = 0.5, .char_swap = 0}).ok());
  EXPECT_EQ(ValidatePromptNoise({.word_drop = 0.6}).message(),
            "word_drop is 0.6; expected 0 … 0.5");
  EXPECT_FALSE(ValidatePromptNoise({.char_swap = -0.1}).ok());
  EXPECT_FALSE(ValidatePromptNoise({.char_swap = std::nan("")}).ok());
}

}  // namespace
}  // namespace limbeck::gateway
