#include "gateway/noise/prompt_noise.h"

#include <algorithm>
#include <array>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/hash.h"
#include "gateway/noise/character_noise.h"
#include "gateway/noise/word_list.h"
#include "gateway/noise/word_noise.h"

namespace limbeck::gateway {
namespace {

// Names of random streams: changing one changes every noisy text, and so its cache key.
enum class Kind : uint8_t {
  kWordDropAndCharSwap = 0,
  kSynonym = 1,
  kWordSwap = 2,
  kCasing = 3,
  kPunctuationDrop = 4,
  kPunctuationInsert = 5,
  kCharTypo = 6,
  kCharDrop = 7,
  kCharDuplicate = 8,
};

void AppendNumber(uint64_t number, int bytes, std::string& out) {
  for (int i = 0; i < bytes; ++i) out += static_cast<char>(number >> (8 * i));
}

StableRandom RandomFor(const PromptNoiseSpec& spec, const PromptNoiseKey& key, Kind kind) {
  std::string stream;
  AppendNumber(key.row_hash, 8, stream);
  AppendNumber(key.variant, 4, stream);
  AppendNumber(key.sample, 4, stream);
  if (kind != Kind::kWordDropAndCharSwap) AppendNumber(static_cast<uint64_t>(kind), 1, stream);
  return StableRandom(spec.seed, Xxh3(stream));
}

std::array<std::pair<const char*, double>, 10> Probabilities(const PromptNoiseSpec& spec) {
  return {{{"word_drop", spec.word_drop},
           {"char_swap", spec.char_swap},
           {"word_swap", spec.word_swap},
           {"casing", spec.casing},
           {"synonym", spec.synonym},
           {"char_typo", spec.char_typo},
           {"char_drop", spec.char_drop},
           {"char_duplicate", spec.char_duplicate},
           {"punctuation_drop", spec.punctuation_drop},
           {"punctuation_insert", spec.punctuation_insert}}};
}

// Changes every word by `change(random, word)`, where the kind is on.
template <typename Change>
void EachWord(double probability, StableRandom random, WordList* list, const Change& change) {
  if (!(probability > 0)) return;
  for (Word& word : list->words) change(random, &word.text);
}

}  // namespace

uint64_t RowHash(std::string_view row_id) { return Xxh3(row_id); }

bool PromptNoiseSpec::enabled() const {
  const auto all = Probabilities(*this);
  return std::any_of(all.begin(), all.end(), [](const auto& one) { return one.second > 0; });
}

absl::Status ValidatePromptNoise(const PromptNoiseSpec& spec) {
  for (const auto& [name, value] : Probabilities(spec)) {
    // Written so that NaN fails.
    if (!(value >= 0 && value <= kMaxPromptNoise)) {
      return absl::InvalidArgumentError(
          absl::StrCat(name, " is ", value, "; expected 0 … ", kMaxPromptNoise));
    }
  }
  if (spec.synonym > 0 && (spec.synonyms == nullptr || spec.synonyms->empty())) {
    return absl::InvalidArgumentError("synonym is set, but there are no synonyms");
  }
  return absl::OkStatus();
}

std::string PerturbText(std::string_view text, const PromptNoiseSpec& spec,
                        const PromptNoiseKey& key) {
  WordList list = SplitWords(text);
  if (list.words.empty()) return std::string(text);
  const auto random_for = [&](Kind kind) { return RandomFor(spec, key, kind); };
  StableRandom shared = random_for(Kind::kWordDropAndCharSwap);
  if (spec.synonym > 0 && spec.synonyms != nullptr) {
    StableRandom random = random_for(Kind::kSynonym);
    ReplaceBySynonyms(*spec.synonyms, spec.synonym, random, &list);
  }
  if (spec.word_drop > 0) DropWords(spec.word_drop, shared, &list);
  if (spec.word_swap > 0) {
    StableRandom random = random_for(Kind::kWordSwap);
    SwapWords(spec.word_swap, random, &list);
  }
  if (spec.casing > 0) {
    StableRandom random = random_for(Kind::kCasing);
    ChangeCase(spec.casing, random, &list);
  }
  EachWord(spec.punctuation_drop, random_for(Kind::kPunctuationDrop), &list,
           [&](StableRandom& random, std::string* word) {
             DropPunctuation(spec.punctuation_drop, random, word);
           });
  EachWord(spec.punctuation_insert, random_for(Kind::kPunctuationInsert), &list,
           [&](StableRandom& random, std::string* word) {
             AddPunctuation(spec.punctuation_insert, random, word);
           });
  EachWord(spec.char_swap, shared, &list, [&](StableRandom& random, std::string* word) {
    SwapCharacters(spec.char_swap, random, word);
  });
  EachWord(spec.char_typo, random_for(Kind::kCharTypo), &list,
           [&](StableRandom& random, std::string* word) {
             MistypeCharacters(spec.char_typo, spec.keyboard, random, word);
           });
  EachWord(spec.char_drop, random_for(Kind::kCharDrop), &list,
           [&](StableRandom& random, std::string* word) {
             DropCharacters(spec.char_drop, random, word);
           });
  EachWord(spec.char_duplicate, random_for(Kind::kCharDuplicate), &list,
           [&](StableRandom& random, std::string* word) {
             DuplicateCharacters(spec.char_duplicate, random, word);
           });
  return JoinWords(list);
}

}  // namespace limbeck::gateway
