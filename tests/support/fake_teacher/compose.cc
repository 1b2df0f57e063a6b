#include "tests/support/fake_teacher/compose.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "base/hash.h"
#include "base/utf8.h"
#include "tests/support/fake_teacher/schema_answer.h"

namespace limbeck::testing {
namespace {

// Words with the blank before them, and single characters for all else.
std::vector<std::string> SplitTokens(std::string_view text) {
  const auto in_word = [](char c) {
    return absl::ascii_isalnum(static_cast<unsigned char>(c)) ||
           static_cast<unsigned char>(c) >= 0x80;
  };
  std::vector<std::string> tokens;
  for (size_t i = 0; i < text.size();) {
    size_t end = i + 1;
    const bool blank_before_word = text[i] == ' ' && end < text.size() && in_word(text[end]);
    if (blank_before_word || in_word(text[i])) {
      while (end < text.size() && in_word(text[end])) ++end;
    }
    tokens.emplace_back(text.substr(i, end - i));
    i = end;
  }
  return tokens;
}

// What a token that is no label gets.
double PlainProbability(std::string_view token) {
  return 0.05 + 0.9 * StableRandom(Xxh3(token), 3).Uniform();
}

Step ScoreToken(const LanguageOptions& language, const std::vector<std::string>& labels,
                const std::string& before, const std::string& token) {
  const bool blank = token.starts_with(' ');
  const std::string word = absl::AsciiStrToLower(token.substr(blank ? 1 : 0));
  if (std::find(labels.begin(), labels.end(), word) == labels.end()) {
    return {{{token, PlainProbability(token)}}, 0};
  }
  Step step{LabelDistribution(language, labels, LastParagraph(before)), 0};
  for (size_t i = 0; i < step.distribution.size(); ++i) {
    std::string& bytes = step.distribution[i].bytes;
    if (bytes == word) step.chosen = i;
    if (blank) bytes.insert(0, " ");
  }
  return step;
}

std::vector<std::string> LabelsFor(const LanguageOptions& language, const Question& question) {
  if (!question.choices.empty()) return question.choices;
  if (!question.schema.is_null()) return LabelsOf(question.schema);
  if (!language.labels.empty()) return language.labels;
  return FindLabels(question.prompt);
}

// Held to choices or a schema, a model cannot say anything else.
void KeepToLabels(Step* step) {
  while (step->chosen > 0 && step->said().bytes.starts_with("filler")) --step->chosen;
}

void ComposeLabel(const LanguageOptions& language, const Question& question,
                  const std::vector<std::string>& labels, StableRandom* random, Reply* reply) {
  Step step{LabelDistribution(language, labels, question.last_user), 0};
  step.chosen = Draw(step.distribution, question.temperature, random->Uniform());
  if (!question.schema.is_null() || !question.choices.empty()) KeepToLabels(&step);
  reply->text = step.said().bytes;
  if (!question.schema.is_null()) {
    reply->text = SchemaAnswer(question.schema, reply->text, step.distribution);
  }
  reply->steps.push_back(std::move(step));
}

void ComposeText(const Question& question, StableRandom* random, Reply* reply) {
  std::string previous;
  for (size_t position = 0; position < question.max_tokens; ++position) {
    Step step{NextToken(question.prompt, previous, position), 0};
    step.chosen = Draw(step.distribution, question.temperature, random->Uniform());
    previous = step.said().bytes;
    reply->steps.push_back(std::move(step));
    if (previous.empty()) return;
    reply->text += previous;
  }
  reply->cut = true;
  // A text cut inside a character has no such tail in real answers either.
  while (!reply->text.empty() && static_cast<unsigned char>(reply->text.back()) == 0xc3) {
    reply->text.pop_back();
  }
}

}  // namespace

std::vector<Step> ScoreText(const LanguageOptions& language, const Question& question,
                            const std::string& before, const std::string& text) {
  const std::vector<std::string> labels = LabelsFor(language, question);
  std::vector<Step> steps;
  std::string said = before;
  for (const std::string& token : SplitTokens(text)) {
    steps.push_back(ScoreToken(language, labels, said, token));
    said += token;
  }
  return steps;
}

Reply Compose(const LanguageOptions& language, const Question& question, uint64_t draw_seed) {
  Reply reply;
  reply.model = question.model;
  reply.input_tokens = static_cast<int64_t>(question.prompt.size() / 4 + 8);
  StableRandom random(draw_seed, question.seed);
  if (!question.scored.empty()) {
    reply.steps = ScoreText(language, question, question.before_scored, question.scored);
    reply.text = question.scored;
    return reply;
  }
  const std::vector<std::string> labels = LabelsFor(language, question);
  if (labels.empty()) {
    ComposeText(question, &random, &reply);
  } else {
    ComposeLabel(language, question, labels, &random, &reply);
  }
  reply.output_tokens = static_cast<int64_t>(reply.steps.size());
  return reply;
}

std::vector<std::string> TextPieces(const Reply& reply) {
  std::vector<std::string> pieces;
  std::string told;
  std::string pending;
  for (const Step& step : reply.steps) {
    pending += step.said().bytes;
    const bool whole = IsValidUtf8(pending);
    pieces.push_back(whole ? std::exchange(pending, "") : "");
    told += pieces.back();
  }
  if (told == reply.text) return pieces;
  // Steps that are not the text: a schema's answer, garbage, a cut character.
  pieces.assign(std::max<size_t>(reply.steps.size(), 1), "");
  pieces[0] = reply.text;
  return pieces;
}

}  // namespace limbeck::testing
