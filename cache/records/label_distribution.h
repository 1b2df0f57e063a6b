// From soft outputs to a distribution over a label set: a pure function, used by the gateway to
// tell whether an answer is usable and by the trainer to make targets.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "cache/records/soft_output.h"

namespace limbeck::cache {

struct LabelSpec {
  std::string name;
  std::vector<std::string> variants;  // Besides `name`.
};

enum class LabelSource { kTopK, kVotes };

struct LabelDistribution {
  // Per label, in LabelSet order; with `leftover` they sum to 1.
  std::vector<double> probabilities;
  // Mass outside the label set, never spread over the labels in silence.
  double leftover = 0.0;
  LabelSource source = LabelSource::kTopK;
  // Answers behind a vote; 1 for kTopK.
  uint32_t answers = 1;

  // Index of the most probable label (lowest index on a tie).
  size_t Best() const;
};

// A compiled label set. Matching accepts a leading space, any ASCII case and trailing punctuation;
// a spelling that would match two labels is refused at construction. Immutable, thread-safe.
class LabelSet {
 public:
  // INVALID_ARGUMENT: fewer than two labels, empty or repeated names, ambiguous variants.
  static absl::StatusOr<LabelSet> Create(std::vector<LabelSpec> labels);

  size_t size() const { return labels_.size(); }
  const std::vector<LabelSpec>& labels() const { return labels_; }

  // The label that `text` spells, or −1.
  int Match(std::string_view text) const;

  // From the candidates of the first token that is not whitespace (of the first record that has
  // logprobs; with support chosen_only the chosen token is the one candidate): sums every variant
  // of a label; a candidate that is a proper prefix of exactly one label's spelling, and no whole
  // spelling, counts for that label; the rest is leftover. Without logprobs on any record, votes:
  // (count + α)/(n + αK), α = 0.5. `outputs` are the records of one item in order of sample index.
  // NOT_FOUND with reason NO_LABEL: no record names any label, or the labels' mass (of votes: their
  // share) is below `min_label_mass`. FAILED_PRECONDITION with reason NO_LOGPROBS: top-k was asked
  // for and not given. FAILED_PRECONDITION with reason REFUSED: every record is a refusal; a single
  // refusal among votes counts as leftover.
  absl::StatusOr<LabelDistribution> Distribution(const std::vector<SoftOutput>& outputs,
                                                 double min_label_mass) const;

 private:
  // The one label that has a spelling beginning with `text`, or −1.
  int MatchBeginning(std::string_view text) const;
  LabelDistribution FromToken(const Token& token) const;
  LabelDistribution FromVotes(const std::vector<SoftOutput>& outputs) const;

  struct Spelling {
    std::string folded;
    int label;
  };
  std::vector<LabelSpec> labels_;
  std::vector<Spelling> spellings_;  // Sorted by `folded`.
};

}  // namespace limbeck::cache
