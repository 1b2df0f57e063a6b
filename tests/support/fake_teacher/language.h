// What the fake teacher "knows": a small deterministic model whose distributions a student can
// really learn.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace limbeck::testing {

struct LanguageOptions {
  // Label words. When empty they are read from the request: after "one of:" or "labels:" or
  // "one word:" in any message, up to the end of that sentence.
  std::vector<std::string> labels;
  // Word (lower case) → label that it speaks for.
  std::map<std::string, std::string> keywords;
  // Divides every score: 0.2 is near-certain, 5 near-uniform.
  double softness = 1.0;
};

struct Likelihood {
  std::string bytes;
  double probability = 0;
};

// Finds the label words named in a prompt; empty when it names none.
std::vector<std::string> FindLabels(std::string_view prompt);

// The distribution over `labels`, which sums to 0.97, followed by filler tokens that share the
// rest; in descending probability. A linear bag-of-words model: every keyword in `text` adds 2 to
// its label's score, and each other word a fixed amount below ±0.3 that is a hash of word and
// label.
std::vector<Likelihood> LabelDistribution(const LanguageOptions& options,
                                          const std::vector<std::string>& labels,
                                          std::string_view text);

// The distribution over the next word, given the one before (empty at the start) and the prompt;
// "" is the end of the text. "café" comes as tokens that cut its "é" into two bytes.
std::vector<Likelihood> NextToken(std::string_view prompt, std::string_view previous,
                                  size_t position);

// Index drawn by `uniform` in [0, 1) after raising to 1/temperature; the best one at 0.
size_t Draw(const std::vector<Likelihood>& distribution, double temperature, double uniform);

}  // namespace limbeck::testing
