// Noise that works on the characters (UTF-8 code points) of a word. Every function draws from
// `random` alone and leaves a word with at least one character; valid UTF-8 stays valid.
#pragma once

#include <string>

#include "base/hash.h"
#include "gateway/noise/keyboard.h"

namespace limbeck::gateway {

// A character trades places with its right neighbour and moves by one place at most.
void SwapCharacters(double probability, StableRandom& random, std::string* word);

// An ASCII letter becomes one that lies beside it, in the same case.
void MistypeCharacters(double probability, Keyboard keyboard, StableRandom& random,
                       std::string* word);

void DropCharacters(double probability, StableRandom& random, std::string* word);

void DuplicateCharacters(double probability, StableRandom& random, std::string* word);

// ASCII punctuation only.
void DropPunctuation(double probability, StableRandom& random, std::string* word);

// One of `,` `.` `!` `?` `;` after the word.
void AddPunctuation(double probability, StableRandom& random, std::string* word);

}  // namespace limbeck::gateway
