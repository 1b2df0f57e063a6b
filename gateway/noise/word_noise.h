// Noise that works on whole words. Every function draws from `random` alone, once or more a word,
// and leaves the text with at least one word.
#pragma once

#include "base/hash.h"
#include "gateway/noise/synonyms.h"
#include "gateway/noise/word_list.h"

namespace limbeck::gateway {

// Puts a synonym, each with equal chance, in the place of a word that has some. Punctuation around
// the word stays; a capital at its beginning is kept.
void ReplaceBySynonyms(const SynonymTable& synonyms, double probability, StableRandom& random,
                       WordList* list);

// A dropped word takes the whitespace before it along; the new first word begins the text.
void DropWords(double probability, StableRandom& random, WordList* list);

// A word trades places with its right neighbour; the whitespace stays. A word moves by one place
// at most.
void SwapWords(double probability, StableRandom& random, WordList* list);

// Writes a word in lower case, in capitals or with a capital first, whichever differ from how it
// stands, each with equal chance. ASCII letters only.
void ChangeCase(double probability, StableRandom& random, WordList* list);

}  // namespace limbeck::gateway
