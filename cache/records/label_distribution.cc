#include "cache/records/label_distribution.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "base/error_details.h"
#include "base/status.h"

namespace limbeck::cache {
namespace {

constexpr double kVoteSmoothing = 0.5;

bool IsSpace(char c) { return absl::ascii_isspace(static_cast<unsigned char>(c)); }

std::string_view WithoutLeadingSpace(std::string_view text) {
  while (!text.empty() && IsSpace(text.front())) text.remove_prefix(1);
  return text;
}

std::string Lower(std::string_view text) { return absl::AsciiStrToLower(ToAbsl(text)); }

// What two spellings of the same label have in common.
std::string Fold(std::string_view text) {
  text = WithoutLeadingSpace(text);
  while (!text.empty() &&
         (IsSpace(text.back()) || absl::ascii_ispunct(static_cast<unsigned char>(text.back())))) {
    text.remove_suffix(1);
  }
  return Lower(text);
}

bool IsRefusal(const SoftOutput& output) {
  return output.finish_reason == FinishReason::kRefusal ||
         output.finish_reason == FinishReason::kFilter;
}

// The first token that says something; leading whitespace is layout.
const Token* FirstToken(const SoftOutput& output) {
  for (const Token& token : output.tokens) {
    if (!WithoutLeadingSpace(token.bytes).empty()) return &token;
  }
  return nullptr;
}

bool HasDistribution(const SoftOutput& output) {
  const Token* token = FirstToken(output);
  return token != nullptr && (!token->candidates.empty() || token->logprob.has_value());
}

absl::Status NoLabel(double mass, double wanted) {
  return WithReason(absl::NotFoundError(absl::StrCat("the answer gives the labels probability ",
                                                     mass, ", at least ", wanted, " is wanted")),
                    "NO_LABEL");
}

}  // namespace

size_t LabelDistribution::Best() const {
  return static_cast<size_t>(std::max_element(probabilities.begin(), probabilities.end()) -
                             probabilities.begin());
}

absl::StatusOr<LabelSet> LabelSet::Create(std::vector<LabelSpec> labels) {
  if (labels.size() < 2) {
    return absl::InvalidArgumentError("labels: at least two are needed");
  }
  LabelSet set;
  for (size_t label = 0; label < labels.size(); ++label) {
    std::vector<std::string> texts = labels[label].variants;
    texts.insert(texts.begin(), labels[label].name);
    for (const std::string& text : texts) {
      std::string folded = Fold(text);
      if (folded.empty()) {
        return absl::InvalidArgumentError(
            absl::StrCat("labels[", label, "]: \"", text, "\" has no letters or digits to match"));
      }
      set.spellings_.push_back({std::move(folded), static_cast<int>(label)});
    }
  }
  const auto order = [](const Spelling& a, const Spelling& b) {
    return a.folded != b.folded ? a.folded < b.folded : a.label < b.label;
  };
  std::sort(set.spellings_.begin(), set.spellings_.end(), order);
  for (size_t i = 1; i < set.spellings_.size(); ++i) {
    const Spelling& a = set.spellings_[i - 1];
    const Spelling& b = set.spellings_[i];
    if (a.folded == b.folded && a.label != b.label) {
      return absl::InvalidArgumentError(absl::StrCat("labels: \"", a.folded,
                                                     "\" would match both \"", labels[a.label].name,
                                                     "\" and \"", labels[b.label].name, "\""));
    }
  }
  set.labels_ = std::move(labels);
  return set;
}

int LabelSet::Match(std::string_view text) const {
  const std::string folded = Fold(text);
  const auto it =
      std::lower_bound(spellings_.begin(), spellings_.end(), folded,
                       [](const Spelling& a, const std::string& b) { return a.folded < b; });
  return it != spellings_.end() && it->folded == folded ? it->label : -1;
}

int LabelSet::MatchBeginning(std::string_view text) const {
  const std::string prefix = Lower(WithoutLeadingSpace(text));
  if (prefix.empty()) return -1;
  int label = -1;
  for (auto it =
           std::lower_bound(spellings_.begin(), spellings_.end(), prefix,
                            [](const Spelling&a, const std::string&b) { return a.folded < b; });
       it != spellings_.end() && it->folded.compare(0, prefix.size(), prefix) == 0; ++it) {
    if (label >= 0 && label != it->label) return -1;
    label = it->label;
  }
  return label;
}

LabelDistribution LabelSet::FromToken(const Token& token) const {
  LabelDistribution result;
  result.source = LabelSource::kTopK;
  result.probabilities.assign(size(), 0.0);
  double seen = 0.0;
  double matched = 0.0;
  bool has_chosen = false;
  const auto add = [&](std::string_view bytes, double logprob) {
    const double mass = std::exp(std::min(logprob, 0.0));
    seen += mass;
    int label = Match(bytes);
    if (label < 0) label = MatchBeginning(bytes);
    if (label < 0) return;
    result.probabilities[static_cast<size_t>(label)] += mass;
    matched += mass;
  };
  for (const Candidate& candidate : token.candidates) {
    if (!std::isfinite(candidate.logprob)) continue;
    has_chosen = has_chosen || (candidate.bytes == token.bytes && candidate.id == token.id);
    add(candidate.bytes, candidate.logprob);
  }
  if (!has_chosen && token.logprob && std::isfinite(*token.logprob)) {
    add(token.bytes, *token.logprob);
  }
  // Rounding at the provider can bring the sum a little over 1.
  const double scale = seen > 1.0 ? 1.0 / seen : 1.0;
  for (double& probability : result.probabilities) probability *= scale;
  result.leftover = std::max(0.0, 1.0 - matched * scale);
  return result;
}

LabelDistribution LabelSet::FromVotes(const std::vector<SoftOutput>& outputs) const {
  LabelDistribution result;
  result.source = LabelSource::kVotes;
  result.answers = static_cast<uint32_t>(outputs.size());
  result.probabilities.assign(size(), 0.0);
  size_t named = 0;
  for (const SoftOutput& output : outputs) {
    const int label = IsRefusal(output) ? -1 : Match(output.text);
    if (label < 0) continue;
    result.probabilities[static_cast<size_t>(label)] += 1.0;
    ++named;
  }
  const double total =
      static_cast<double>(outputs.size()) + kVoteSmoothing * static_cast<double>(size());
  for (double& count : result.probabilities) count = (count + kVoteSmoothing) / total;
  result.leftover = static_cast<double>(outputs.size() - named) / total;
  return result;
}

absl::StatusOr<LabelDistribution> LabelSet::Distribution(const std::vector<SoftOutput>& outputs,
                                                         double min_label_mass) const {
  const SoftOutput* with_distribution = nullptr;
  bool any_answer = false;
  bool asked_top_k = false;
  size_t named = 0;
  for (const SoftOutput& output : outputs) {
    if (IsRefusal(output)) continue;
    any_answer = true;
    asked_top_k = asked_top_k || output.top_logprobs > 0;
    named += Match(output.text) >= 0;
    if (with_distribution == nullptr && HasDistribution(output)) with_distribution = &output;
  }
  if (!any_answer && !outputs.empty()) {
    return WithReason(absl::FailedPreconditionError("the teacher refused to answer"), "REFUSED");
  }
  if (with_distribution != nullptr) {
    LabelDistribution result = FromToken(*FirstToken(*with_distribution));
    const double mass = 1.0 - result.leftover;
    const double best = result.probabilities[result.Best()];
    if (best <= 0.0 || mass < min_label_mass) return NoLabel(mass, min_label_mass);
    return result;
  }
  if (asked_top_k) {
    return WithReason(absl::FailedPreconditionError(
                          "logprobs were asked for and the teacher gave none: ask for votes "
                          "(top_logprobs 0 and several samples) or use a teacher that gives them"),
                      "NO_LOGPROBS");
  }
  const double mass =
      outputs.empty() ? 0.0 : static_cast<double>(named) / static_cast<double>(outputs.size());
  if (named == 0 || mass < min_label_mass) return NoLabel(mass, min_label_mass);
  return FromVotes(outputs);
}

}  // namespace limbeck::cache
