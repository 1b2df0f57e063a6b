// What the fake teacher says to a question: tokens with their distributions, in no wire shape yet.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "tests/support/fake_teacher/language.h"
#include "tests/support/fake_teacher/question.h"

namespace limbeck::testing {

struct Step {
  std::vector<Likelihood> distribution;
  size_t chosen = 0;

  const Likelihood& said() const { return distribution[chosen]; }
};

struct Reply {
  std::vector<Step> steps;
  std::string text;
  bool cut = false;      // By max_tokens.
  bool refused = false;  // `text` says so.
  // Whether the steps are shown where the question asks for them.
  bool logprobs = true;
  // As the answer states them.
  std::string model;
  int64_t input_tokens = 0;
  int64_t output_tokens = 0;
};

// A pure function of its arguments. A question that has a text to be scored gets one step for each
// of that text's tokens.
Reply Compose(const LanguageOptions& language, const Question& question, uint64_t draw_seed);

// The steps of `text`, each given what was said before it.
std::vector<Step> ScoreText(const LanguageOptions& language, const Question& question,
                            const std::string& before, const std::string& text);

// The pieces in which a stream tells `reply.text`: one for each step, cut between characters.
std::vector<std::string> TextPieces(const Reply& reply);

}  // namespace limbeck::testing
