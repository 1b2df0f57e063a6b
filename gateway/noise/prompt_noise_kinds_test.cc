// The kinds of prompt noise, each alone and all together.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <set>
#include <string>

#include "absl/strings/ascii.h"
#include "base/utf8.h"
#include "gateway/noise/prompt_noise.h"

namespace limbeck::gateway {
namespace {

PromptNoiseKey Key(uint64_t row) { return {row, 1, 0}; }

std::shared_ptr<const SynonymTable> Synonyms(std::string_view text) {
  return std::make_shared<const SynonymTable>(SynonymTable::Parse(text).value());
}

// All results over many rows.
std::set<std::string> Results(const std::string& text, const PromptNoiseSpec& spec) {
  std::set<std::string> seen;
  for (uint64_t row = 0; row < 400; ++row) seen.insert(PerturbText(text, spec, Key(row)));
  return seen;
}

using Texts = std::set<std::string>;

TEST(PromptNoiseKindsTest, WordsTradePlacesAndWhitespaceStays) {
  EXPECT_EQ(Results(" a  b\tc", {.word_swap = 0.5}), (Texts{" a  b\tc", " b  a\tc", " a  c\tb"}));
}

TEST(PromptNoiseKindsTest, CasingChoosesAmongTheOtherCases) {
  EXPECT_EQ(Results("cat", {.casing = 0.5}), (Texts{"cat", "CAT", "Cat"}));
  EXPECT_EQ(Results("NATO", {.casing = 0.5}), (Texts{"NATO", "nato", "Nato"}));
  EXPECT_EQ(Results("12 日本", {.casing = 0.5}), (Texts{"12 日本"}));
}

TEST(PromptNoiseKindsTest, SynonymsKeepCapitalsAndPunctuation) {
  const auto synonyms = Synonyms("big\tlarge,huge\n");
  EXPECT_EQ(Results("(Big) cat", {.synonym = 0.5, .synonyms = synonyms}),
            (Texts{"(Big) cat", "(Large) cat", "(Huge) cat"}));
  EXPECT_EQ(Results("bigger ... ?", {.synonym = 0.5, .synonyms = synonyms}),
            (Texts{"bigger ... ?"}));
}

TEST(PromptNoiseKindsTest, TyposAreLettersBesideTheKey) {
  EXPECT_EQ(Results("Q", {.char_typo = 0.5}), (Texts{"Q", "W", "A"}));
  EXPECT_EQ(Results("a", {.char_typo = 0.5, .keyboard = Keyboard::kAzerty}),
            (Texts{"a", "z", "q"}));
  EXPECT_EQ(Results("1é!", {.char_typo = 0.5}), (Texts{"1é!"}));
}

TEST(PromptNoiseKindsTest, CharactersAreDroppedAndDoubledWhole) {
  EXPECT_EQ(Results("é日", {.char_drop = 0.5}), (Texts{"é日", "é", "日"}));
  EXPECT_EQ(Results("é日", {.char_duplicate = 0.5}), (Texts{"é日", "éé日", "é日日", "éé日日"}));
}

TEST(PromptNoiseKindsTest, PunctuationComesAndGoes) {
  EXPECT_EQ(Results("a,b!", {.punctuation_drop = 0.5}), (Texts{"a,b!", "ab!", "a,b", "ab"}));
  EXPECT_EQ(Results("?", {.punctuation_drop = 0.5}), (Texts{"?"}));
  EXPECT_EQ(Results("a", {.punctuation_insert = 0.5}), (Texts{"a", "a,", "a.", "a!", "a?", "a;"}));
}

TEST(PromptNoiseKindsTest, EachKindHappensAtItsRate) {
  struct Case {
    PromptNoiseSpec spec;
    std::string text;
  };
  // Texts on which the kind has one opportunity.
  const Case cases[] = {
      {{.word_swap = 0.1}, "a b"},
      {{.casing = 0.1}, "a"},
      {{.char_typo = 0.1}, "a"},
      {{.char_duplicate = 0.1}, "a"},
      {{.punctuation_drop = 0.1}, "a."},
      {{.punctuation_insert = 0.1}, "a"},
      {{.synonym = 0.1, .synonyms = Synonyms("a\tb")}, "a"},
  };
  constexpr int kRuns = 20'000;
  for (const Case& one : cases) {
    int changed = 0;
    for (int row = 0; row < kRuns; ++row) {
      changed += PerturbText(one.text, one.spec, Key(row)) != one.text;
    }
    EXPECT_NEAR(changed / double{kRuns}, 0.1, 4 * std::sqrt(0.1 * 0.9 / kRuns)) << one.text;
  }
}

TEST(PromptNoiseKindsTest, GoldenValueOfAllKindsHoldsOnEveryMachine) {
  const PromptNoiseSpec spec{.word_drop = 0.1,
                             .char_swap = 0.05,
                             .seed = 1,
                             .word_swap = 0.1,
                             .casing = 0.1,
                             .synonym = 0.5,
                             .char_typo = 0.05,
                             .char_drop = 0.05,
                             .char_duplicate = 0.05,
                             .punctuation_drop = 0.3,
                             .punctuation_insert = 0.1,
                             .synonyms = Synonyms("small\ttiny,little\npeople\thumans\n")};
  EXPECT_EQ(PerturbText("A small carnivore, kept by people since ancient times.", spec,
                        Key(RowHash("n-1"))),
            "A tiny keppt caarrnivore by Humaj siince times NNCIENNT");
}

TEST(PromptNoiseKindsTest, SwitchingAKindOnLeavesWhatOthersDraw) {
  const std::string text = "alpha beta gamma delta epsilon";
  for (uint64_t row = 0; row < 50; ++row) {
    const std::string typos = PerturbText(text, {.seed = 5, .char_typo = 0.2}, Key(row));
    const std::string both =
        PerturbText(text, {.seed = 5, .casing = 0.5, .char_typo = 0.2}, Key(row));
    EXPECT_EQ(absl::AsciiStrToLower(both), typos);
  }
}

TEST(PromptNoiseKindsTest, ValidTextStaysValidAndKeepsAWord) {
  const PromptNoiseSpec spec{.word_drop = 0.5,
                             .char_swap = 0.5,
                             .word_swap = 0.5,
                             .casing = 0.5,
                             .synonym = 0.5,
                             .char_typo = 0.5,
                             .char_drop = 0.5,
                             .char_duplicate = 0.5,
                             .punctuation_drop = 0.5,
                             .punctuation_insert = 0.5,
                             .synonyms = Synonyms("né\tœuf,日")};
  for (const std::string text : {" né日本 𝄞! x", ".", "é", "a\u0301b ,"}) {
    for (const std::string& noisy : Results(text, spec)) {
      EXPECT_TRUE(IsValidUtf8(noisy)) << noisy;
      EXPECT_NE(noisy.find_first_not_of(" \t\n"), std::string::npos);
    }
  }
  // Invalid text does not trip it.
  for (const std::string& noisy : Results("\xff\x80 \xc3", spec)) EXPECT_FALSE(noisy.empty());
}

TEST(PromptNoiseKindsTest, EveryProbabilityIsChecked) {
  EXPECT_EQ(ValidatePromptNoise({.casing = 0.6}).message(), "casing is 0.6; expected 0 … 0.5");
  EXPECT_EQ(ValidatePromptNoise({.char_typo = -1}).message(), "char_typo is -1; expected 0 … 0.5");
  EXPECT_EQ(ValidatePromptNoise({.synonym = 0.1}).message(),
            "synonym is set, but there are no synonyms");
  EXPECT_FALSE(PromptNoiseSpec{}.enabled());
  EXPECT_TRUE(PromptNoiseSpec{.punctuation_insert = 0.1}.enabled());
}

}  // namespace
}  // namespace limbeck::gateway
