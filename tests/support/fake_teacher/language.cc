#include "tests/support/fake_teacher/language.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "base/hash.h"
#include "base/string_view.h"

namespace limbeck::testing {
namespace {

constexpr double kLabelMass = 0.97;
constexpr size_t kFillers = 24;
constexpr double kKeywordWeight = 2.0;
constexpr double kWordWeight = 0.3;

constexpr const char* kVocabulary[] = {
    " the",   " river", " stone", " quiet", " light",  " caf",    " and",  " over",  " under",
    " green", " hill",  " walks", " sings", " old",    " new",    " bird", " house", " with",
    " small", " cloud", " rain",  " slow",  " bright", " garden", " road", " wind",  " sea"};

double HashUniform(std::string_view text, uint64_t seed) {
  return static_cast<double>(Xxh3(text, seed) >> 11) * 0x1.0p-53;
}

std::vector<std::string> Words(std::string_view text) {
  std::vector<std::string> words;
  std::string word;
  for (unsigned char c : text) {
    if (absl::ascii_isalnum(c) || c >= 0x80 || c == '\'') {
      word.push_back(absl::ascii_tolower(c));
    } else if (!word.empty()) {
      words.push_back(std::move(word));
      word.clear();
    }
  }
  if (!word.empty()) words.push_back(std::move(word));
  return words;
}

void SortAndNormalize(std::vector<Likelihood>& all, double mass) {
  double sum = 0;
  for (const Likelihood& one : all) sum += one.probability;
  for (Likelihood& one : all) one.probability *= mass / sum;
  std::stable_sort(all.begin(), all.end(), [](const Likelihood& a, const Likelihood& b) {
    return a.probability > b.probability;
  });
}

}  // namespace

std::vector<std::string> FindLabels(std::string_view prompt) {
  const std::string lower = absl::AsciiStrToLower(ToAbsl(prompt));
  for (const std::string_view intro : {"one of:", "labels:", "one word:"}) {
    const size_t found = lower.find(intro);
    if (found == lower.npos) continue;
    std::string_view list = prompt.substr(found + intro.size());
    list = list.substr(0, list.find_first_of(".\n?!;"));
    std::vector<std::string> labels;
    for (const std::string& word : Words(list)) {
      if (word != "or" && word != "and") labels.push_back(word);
    }
    if (labels.size() >= 2) return labels;
  }
  return {};
}

std::vector<Likelihood> LabelDistribution(const LanguageOptions& options,
                                          const std::vector<std::string>& labels,
                                          std::string_view text) {
  const std::vector<std::string> words = Words(text);
  std::vector<Likelihood> all;
  for (const std::string& label : labels) {
    double score = 0;
    for (const std::string& word : words) {
      const auto keyword = options.keywords.find(word);
      if (keyword != options.keywords.end()) {
        if (keyword->second == label) score += kKeywordWeight;
      } else {
        score += kWordWeight * (2 * HashUniform(absl::StrCat(word, "\n", label), 1) - 1);
      }
    }
    all.push_back({label, std::exp(std::clamp(score / options.softness, -500.0, 500.0))});
  }
  SortAndNormalize(all, kLabelMass);
  std::vector<Likelihood> fillers;
  for (size_t i = 0; i < kFillers; ++i) {
    fillers.push_back({absl::StrCat("filler", i), std::pow(0.8, static_cast<double>(i))});
  }
  SortAndNormalize(fillers, 1 - kLabelMass);
  all.insert(all.end(), fillers.begin(), fillers.end());
  SortAndNormalize(all, 1);
  return all;
}

std::vector<Likelihood> NextToken(std::string_view prompt, std::string_view previous,
                                  size_t position) {
  // "é" is two tokens of one byte each, as byte-level vocabularies have them.
  if (previous == " caf") return {{"\xc3", 0.999}, {"e", 0.001}};
  if (previous == "\xc3") return {{"\xa9", 0.999}, {"\xa8", 0.001}};
  const uint64_t topic = Xxh3(prompt) % 8;
  std::vector<Likelihood> all;
  for (const char* word : kVocabulary) {
    const double score = 4 * HashUniform(absl::StrCat(ToAbsl(previous), "\n", word), topic);
    all.push_back({word, word == previous ? 1e-4 : std::exp(score)});
  }
  SortAndNormalize(all, 1);
  const double stop = position < 4 ? 1e-3 : std::min(0.9, 0.02 * static_cast<double>(position));
  all.push_back({"", stop / (1 - stop)});
  SortAndNormalize(all, 1);
  return all;
}

size_t Draw(const std::vector<Likelihood>& distribution, double temperature, double uniform) {
  if (temperature <= 0) return 0;
  std::vector<double> weights;
  double sum = 0;
  for (const Likelihood& one : distribution) {
    weights.push_back(std::pow(one.probability, 1 / temperature));
    sum += weights.back();
  }
  double left = uniform * sum;
  for (size_t i = 0; i < weights.size(); ++i) {
    left -= weights[i];
    if (left < 0) return i;
  }
  return 0;
}

}  // namespace limbeck::testing
