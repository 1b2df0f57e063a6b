#include "gateway/noise/word_noise.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"

namespace limbeck::gateway {
namespace {

bool IsPunctuation(char c) { return absl::ascii_ispunct(static_cast<unsigned char>(c)); }

bool IsCapital(char c) { return absl::ascii_isupper(static_cast<unsigned char>(c)); }

std::string Capitalised(std::string word) {
  if (!word.empty()) word[0] = absl::ascii_toupper(static_cast<unsigned char>(word[0]));
  return word;
}

}  // namespace

void ReplaceBySynonyms(const SynonymTable& synonyms, double probability, StableRandom& random,
                       WordList* list) {
  for (Word& word : list->words) {
    // Drawn for every word, so that a longer table does not move the noise of other words.
    const bool wanted = random.Uniform() < probability;
    const uint64_t choice = random.Next();
    if (!wanted) continue;
    size_t begin = 0;
    size_t end = word.text.size();
    while (begin < end && IsPunctuation(word.text[begin])) ++begin;
    while (end > begin && IsPunctuation(word.text[end - 1])) --end;
    const std::string core = word.text.substr(begin, end - begin);
    const std::vector<std::string>* found = synonyms.Find(core);
    if (found == nullptr) continue;
    const std::string& synonym = (*found)[choice % found->size()];
    word.text.replace(begin, end - begin, IsCapital(core[0]) ? Capitalised(synonym) : synonym);
  }
}

void DropWords(double probability, StableRandom& random, WordList* list) {
  std::vector<Word> kept;
  bool first_kept = true;
  for (size_t i = 0; i < list->words.size(); ++i) {
    if (random.Uniform() >= probability) {
      kept.push_back(std::move(list->words[i]));
    } else if (i == 0) {
      first_kept = false;
    }
  }
  if (kept.empty()) {
    const size_t survivor = random.Below(list->words.size());
    first_kept = survivor == 0;
    kept.push_back(std::move(list->words[survivor]));
  }
  // The new first word does not inherit the gap that used to stand before it.
  if (!first_kept) kept.front().space = {};
  list->words = std::move(kept);
}

void SwapWords(double probability, StableRandom& random, WordList* list) {
  for (size_t i = 0; i + 1 < list->words.size(); ++i) {
    if (random.Uniform() >= probability) continue;
    std::swap(list->words[i].text, list->words[i + 1].text);
    ++i;
  }
}

void ChangeCase(double probability, StableRandom& random, WordList* list) {
  for (Word& word : list->words) {
    const bool wanted = random.Uniform() < probability;
    const uint64_t choice = random.Next();
    if (!wanted) continue;
    const std::string lower = absl::AsciiStrToLower(word.text);
    std::vector<std::string> forms;
    for (const std::string& form : {lower, absl::AsciiStrToUpper(word.text), Capitalised(lower)}) {
      if (form != word.text) forms.push_back(form);
    }
    if (!forms.empty()) word.text = forms[choice % forms.size()];
  }
}

}  // namespace limbeck::gateway
