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

// Where label probabilities come from. None but the first two are probabilities of the model.
enum class LabelSource { kTopK, kScored, kVotes, kVerbalised, kSchema };

// "top_k", "scored", "votes", "verbalised" or "schema", as reports say.
std::string_view LabelSourceName(LabelSource source);

struct LabelDistribution {
  // Per label, in LabelSet order; with `leftover` they sum to 1.
  std::vector<double> probabilities;
  // Mass outside the label set, never spread over the labels in silence.
  double leftover = 0.0;
  LabelSource source = LabelSource::kTopK;
  // Answers behind it: votes, or scored labels; else 1.
  uint32_t answers = 1;
  // Of kTopK: no token that the teacher did not list has more probability than this: the smallest
  // listed one, or what all listed ones lack to 1 where that is less. A label at 0 was not listed,
  // rather than impossible. 0 for other sources.
  double absent_bound = 0.0;
  // Of kVerbalised: the numbers as the teacher stated them, before floor, sum and calibration.
  std::vector<double> stated;

  // Index of the most probable label (lowest index on a tie).
  size_t Best() const;
};

// Counts votes, each a label's index or −1 for none: (count + α)/(n + αK) with α = 0.5 for the K
// labels, what named none is leftover. The source is kVotes.
LabelDistribution CountVotes(const std::vector<int>& votes, size_t labels);

// Whether the teacher declined, or a filter did.
bool IsRefusal(const SoftOutput& output);

// Named failures of reading answers: NOT_FOUND with NO_LABEL, FAILED_PRECONDITION with REFUSED.
absl::Status NoLabelError(double mass, double wanted);
absl::Status RefusedError();

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

  // From the first token that is not whitespace, of the first record that has logprobs: sums every
  // variant of a label over the candidates (with support chosen_only the chosen token is the one
  // candidate); a candidate that is a proper prefix of exactly one label's spelling, and no whole
  // spelling, counts for that label; the rest is leftover. The distribution is that of the token
  // at its place: whitespace before it is taken as given. FAILED_PRECONDITION with reason
  // NO_LOGPROBS: no record has logprobs. NOT_FOUND with reason NO_LABEL: the labels' mass is below
  // `min_label_mass`. FAILED_PRECONDITION with reason REFUSED: every record is a refusal.
  absl::StatusOr<LabelDistribution> FromFirstToken(const std::vector<SoftOutput>& outputs,
                                                   double min_label_mass) const;

  // From the texts of the records as votes; a single refusal counts as leftover. NO_LABEL (also
  // where the labels' share of the votes is below `min_label_mass`) and REFUSED as above.
  absl::StatusOr<LabelDistribution> FromVotes(const std::vector<SoftOutput>& outputs,
                                              double min_label_mass) const;

  // FromFirstToken where a record has logprobs or was asked for them, else FromVotes. `outputs` are
  // the records of one item in order of sample index.
  absl::StatusOr<LabelDistribution> Distribution(const std::vector<SoftOutput>& outputs,
                                                 double min_label_mass) const;

 private:
  // The one label that has a spelling beginning with `text`, or −1.
  int MatchBeginning(std::string_view text) const;
  LabelDistribution FromToken(const Token& token) const;

  struct Spelling {
    std::string folded;
    int label;
  };
  std::vector<LabelSpec> labels_;
  std::vector<Spelling> spellings_;  // Sorted by `folded`.
};

}  // namespace limbeck::cache
