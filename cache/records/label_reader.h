// How a job's answers become label distributions, in one of several ways: a pure function, used by
// the gateway to tell whether a row is usable and whether it needs more answers, and by the trainer
// to make targets.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "cache/records/label_distribution.h"
#include "cache/records/soft_output.h"
#include "cache/records/vote_stopping.h"

namespace limbeck::cache {

enum class LabelMethod {
  kAuto,        // LabelSet::Distribution.
  kFirstToken,  // LabelSet::FromFirstToken.
  kScored,      // Each label's name is scored as the answer.
  kVotes,       // Sampled answers name a label each.
  kVerbalised,  // One answer states a number for each label (label_json.h, ConfidenceSchema).
  kSchema,      // As votes, but answers must follow ChoiceSchema.
};

struct LabelReading {
  LabelMethod method = LabelMethod::kAuto;
  // Smallest mass (of votes: share; of stated numbers: their sum) on the labels, 0 … 1.
  double min_label_mass = 0.05;
  // Sequential stopping of kVotes and kSchema; absent: all answers count.
  std::optional<VotingRule> voting;
  // Calibrates kVerbalised (temperature_fit.h); 1 leaves it.
  double temperature = 1.0;
};

// A number that a teacher states below this share of their sum is taken as this: a stated 0 is a
// rounded number, not an impossibility.
inline constexpr double kVerbalisedFloor = 0.005;

// Immutable, thread-safe.
class LabelReader {
 public:
  explicit LabelReader(LabelSet labels, LabelReading reading = {});

  const LabelSet& labels() const { return labels_; }
  const LabelReading& reading() const { return reading_; }

  // The distribution of one item from its records in order of sample index. Refusals and missing
  // mass as LabelSet says, and by method:
  //
  // kScored: p(label) = exp(Σ logprob over the tokens of its name). These are probabilities of
  // disjoint answers, so what they lack to 1 is leftover; where rounding brings them over 1 they
  // are divided by their sum. A name that begins another's loses what the longer one has. They
  // are not divided by length: a longer name is less likely by its length, which is the model's
  // own view of that answer. NO_LOGPROBS where a label has no score.
  //
  // kVerbalised: numbers divided by their sum, floored (kVerbalisedFloor), calibrated; nothing is
  // leftover. FAILED_PRECONDITION with reason SCHEMA_INVALID for an answer that does not validate.
  //
  // kVotes, kSchema: CountVotes of the votes that suffice. An answer that does not validate is a
  // vote for none; SCHEMA_INVALID where none does.
  absl::StatusOr<LabelDistribution> Read(const std::vector<SoftOutput>& outputs) const;

  // Whether another answer should be bought: under sequential stopping, while the ones that are
  // there do not suffice. Otherwise false.
  bool WantsMore(const std::vector<SoftOutput>& outputs) const;

 private:
  absl::StatusOr<LabelDistribution> FromScores(const std::vector<SoftOutput>& outputs) const;
  absl::StatusOr<LabelDistribution> FromStated(const std::vector<SoftOutput>& outputs) const;
  absl::StatusOr<LabelDistribution> FromChoices(const std::vector<SoftOutput>& outputs) const;
  // A label's index, or −1 for none, of each answer.
  std::vector<int> VotesOf(const std::vector<SoftOutput>& outputs) const;
  bool counts_votes() const {
    return reading_.method == LabelMethod::kVotes || reading_.method == LabelMethod::kSchema;
  }

  LabelSet labels_;
  LabelReading reading_;
  std::vector<std::string> names_;
  // The label with the longest name that this one's begins with, or −1.
  std::vector<int> begins_with_;
};

}  // namespace limbeck::cache
