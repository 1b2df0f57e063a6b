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

bool AllRefused(const std::vector<SoftOutput>& outputs) {
  return !outputs.empty() && std::all_of(outputs.begin(), outputs.end(), IsRefusal);
}

}  // namespace

std::string_view LabelSourceName(LabelSource source) {
  switch (source) {
    case LabelSource::kTopK:
      return "top_k";
    case LabelSource::kScored:
      return "scored";
    case LabelSource::kVotes:
      return "votes";
    case LabelSource::kVerbalised:
      return "verbalised";
    case LabelSource::kSchema:
      return "schema";
  }
  return "";
}

bool IsRefusal(const SoftOutput& output) {
  return output.finish_reason == FinishReason::kRefusal ||
         output.finish_reason == FinishReason::kFilter;
}

absl::Status NoLabelError(double mass, double wanted) {
  return WithReason(absl::NotFoundError(absl::StrCat("the answer gives the labels probability ",
                                                     mass, ", at least ", wanted, " is wanted")),
                    "NO_LABEL");
}

absl::Status RefusedError() {
  return WithReason(absl::FailedPreconditionError("the teacher refused to answer"), "REFUSED");
}

LabelDistribution CountVotes(const std::vector<int>& votes, size_t labels) {
  LabelDistribution result;
  result.source = LabelSource::kVotes;
  result.answers = static_cast<uint32_t>(votes.size());
  result.probabilities.assign(labels, 0.0);
  size_t named = 0;
  for (const int label : votes) {
    if (label < 0) continue;
    result.probabilities[static_cast<size_t>(label)] += 1.0;
    ++named;
  }
  const double total =
      static_cast<double>(votes.size()) + kVoteSmoothing * static_cast<double>(labels);
  for (double& count : result.probabilities) count = (count + kVoteSmoothing) / total;
  result.leftover = static_cast<double>(votes.size() - named) / total;
  return result;
}

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
  double least = 1.0;
  bool has_chosen = false;
  const auto add = [&](std::string_view bytes, double logprob) {
    const double mass = std::exp(std::min(logprob, 0.0));
    seen += mass;
    int label = Match(bytes);
    if (label < 0) label = MatchBeginning(bytes);
    if (label >= 0) {
      result.probabilities[static_cast<size_t>(label)] += mass;
      matched += mass;
    }
    return mass;
  };
  for (const Candidate& candidate : token.candidates) {
    if (!std::isfinite(candidate.logprob)) continue;
    has_chosen = has_chosen || (candidate.bytes == token.bytes && candidate.id == token.id);
    least = std::min(least, add(candidate.bytes, candidate.logprob));
  }
  if (!has_chosen && token.logprob && std::isfinite(*token.logprob)) {
    add(token.bytes, *token.logprob);
  }
  // Rounding at the provider can bring the sum a little over 1.
  const double scale = seen > 1.0 ? 1.0 / seen : 1.0;
  for (double& probability : result.probabilities) probability *= scale;
  result.leftover = std::max(0.0, 1.0 - matched * scale);
  result.absent_bound = std::min(least * scale, std::max(0.0, 1.0 - seen * scale));
  return result;
}

absl::StatusOr<LabelDistribution> LabelSet::FromFirstToken(const std::vector<SoftOutput>& outputs,
                                                           double min_label_mass) const {
  if (AllRefused(outputs)) return RefusedError();
  const auto found = std::find_if(outputs.begin(), outputs.end(), [](const SoftOutput& output) {
    return !IsRefusal(output) && HasDistribution(output);
  });
  if (found == outputs.end()) {
    return WithReason(absl::FailedPreconditionError(
                          "logprobs were asked for and the teacher gave none: ask for votes "
                          "(top_logprobs 0 and several samples) or use a teacher that gives them"),
                      "NO_LOGPROBS");
  }
  LabelDistribution result = FromToken(*FirstToken(*found));
  const double mass = 1.0 - result.leftover;
  const double best = result.probabilities[result.Best()];
  if (best <= 0.0 || mass < min_label_mass) return NoLabelError(mass, min_label_mass);
  return result;
}

absl::StatusOr<LabelDistribution> LabelSet::FromVotes(const std::vector<SoftOutput>& outputs,
                                                      double min_label_mass) const {
  if (AllRefused(outputs)) return RefusedError();
  std::vector<int> votes;
  for (const SoftOutput& output : outputs) {
    votes.push_back(IsRefusal(output) ? -1 : Match(output.text));
  }
  const auto named =
      std::count_if(votes.begin(), votes.end(), [](int label) { return label >= 0; });
  const double mass =
      votes.empty() ? 0.0 : static_cast<double>(named) / static_cast<double>(votes.size());
  if (named == 0 || mass < min_label_mass) return NoLabelError(mass, min_label_mass);
  return CountVotes(votes, size());
}

absl::StatusOr<LabelDistribution> LabelSet::Distribution(const std::vector<SoftOutput>& outputs,
                                                         double min_label_mass) const {
  const bool top_k = std::any_of(outputs.begin(), outputs.end(), [](const SoftOutput& output) {
    return !IsRefusal(output) && (output.top_logprobs > 0 || HasDistribution(output));
  });
  return top_k ? FromFirstToken(outputs, min_label_mass) : FromVotes(outputs, min_label_mass);
}

}  // namespace limbeck::cache
