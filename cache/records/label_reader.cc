#include "cache/records/label_reader.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "absl/strings/str_cat.h"
#include "base/error_details.h"
#include "base/status.h"
#include "cache/records/label_json.h"
#include "cache/records/temperature_fit.h"

namespace limbeck::cache {
namespace {

absl::Status SchemaInvalidError() {
  return WithReason(
      absl::FailedPreconditionError("the answer does not follow the JSON schema it was given"),
      "SCHEMA_INVALID");
}

// What the scored text was: providers give it as text, or as its tokens alone.
std::string ScoredText(const SoftOutput& output) {
  if (!output.text.empty()) return output.text;
  std::string text;
  for (const Token& token : output.tokens) text += token.bytes;
  return text;
}

// ln p of the whole text; absent where a token has no logprob.
std::optional<double> Score(const SoftOutput& output) {
  double sum = 0;
  for (const Token& token : output.tokens) {
    if (!token.logprob.has_value() || !std::isfinite(*token.logprob)) return std::nullopt;
    sum += *token.logprob;
  }
  if (output.tokens.empty()) return std::nullopt;
  return std::min(sum, 0.0);
}

bool Refused(const std::vector<SoftOutput>& outputs) {
  return !outputs.empty() && std::all_of(outputs.begin(), outputs.end(), IsRefusal);
}

}  // namespace

LabelReader::LabelReader(LabelSet labels, LabelReading reading)
    : labels_(std::move(labels)), reading_(reading) {
  for (const LabelSpec& label : labels_.labels()) names_.push_back(label.name);
  if (reading_.method != LabelMethod::kScored) return;
  begins_with_.assign(names_.size(), -1);
  for (size_t label = 0; label < names_.size(); ++label) {
    size_t longest = 0;
    for (size_t other = 0; other < names_.size(); ++other) {
      const std::string& name = names_[other];
      if (name.size() <= longest || name.size() >= names_[label].size()) continue;
      if (!names_[label].starts_with(name)) continue;
      longest = name.size();
      begins_with_[label] = static_cast<int>(other);
    }
  }
}

std::vector<int> LabelReader::VotesOf(const std::vector<SoftOutput>& outputs) const {
  std::vector<int> votes;
  for (const SoftOutput& output : outputs) {
    int vote = -1;
    if (!IsRefusal(output)) {
      if (reading_.method == LabelMethod::kSchema) {
        const std::optional<size_t> choice = ParseChoice(output.text, names_);
        if (choice.has_value()) vote = static_cast<int>(*choice);
      } else {
        vote = labels_.Match(output.text);
      }
    }
    votes.push_back(vote);
  }
  return votes;
}

bool LabelReader::WantsMore(const std::vector<SoftOutput>& outputs) const {
  return counts_votes() && reading_.voting.has_value() &&
         VotesThatSuffice(VotesOf(outputs), labels_.size(), *reading_.voting) == 0;
}

absl::StatusOr<LabelDistribution> LabelReader::Read(const std::vector<SoftOutput>& outputs) const {
  switch (reading_.method) {
    case LabelMethod::kAuto:
      return labels_.Distribution(outputs, reading_.min_label_mass);
    case LabelMethod::kFirstToken:
      return labels_.FromFirstToken(outputs, reading_.min_label_mass);
    case LabelMethod::kScored:
      return FromScores(outputs);
    case LabelMethod::kVerbalised:
      return FromStated(outputs);
    case LabelMethod::kVotes:
    case LabelMethod::kSchema:
      return FromChoices(outputs);
  }
  return absl::InternalError("there is no such label method");
}

absl::StatusOr<LabelDistribution> LabelReader::FromChoices(
    const std::vector<SoftOutput>& outputs) const {
  std::vector<int> votes = VotesOf(outputs);
  size_t used = votes.size();
  if (reading_.voting.has_value()) {
    const size_t suffice = VotesThatSuffice(votes, labels_.size(), *reading_.voting);
    // Too few is what there is when money ran out.
    if (suffice > 0) used = suffice;
  }
  votes.resize(used);
  if (Refused({outputs.begin(), outputs.begin() + static_cast<ptrdiff_t>(used)})) {
    return RefusedError();
  }
  const auto named =
      std::count_if(votes.begin(), votes.end(), [](int label) { return label >= 0; });
  const bool schema = reading_.method == LabelMethod::kSchema;
  if (named == 0 && schema && used > 0) return SchemaInvalidError();
  const double mass = used == 0 ? 0.0 : static_cast<double>(named) / static_cast<double>(used);
  if (named == 0 || mass < reading_.min_label_mass) {
    return NoLabelError(mass, reading_.min_label_mass);
  }
  LabelDistribution result = CountVotes(votes, labels_.size());
  if (schema) result.source = LabelSource::kSchema;
  return result;
}

absl::StatusOr<LabelDistribution> LabelReader::FromScores(
    const std::vector<SoftOutput>& outputs) const {
  if (Refused(outputs)) return RefusedError();
  std::vector<std::optional<double>> scores(names_.size());
  for (const SoftOutput& output : outputs) {
    const int label = labels_.Match(ScoredText(output));
    if (label < 0 || scores[static_cast<size_t>(label)].has_value()) continue;
    scores[static_cast<size_t>(label)] = Score(output);
  }
  std::vector<double> raw;
  for (size_t label = 0; label < scores.size(); ++label) {
    if (!scores[label].has_value()) {
      return WithReason(
          absl::FailedPreconditionError(absl::StrCat(
              "label \"", names_[label], "\" has no score: the teacher gave no logprobs for it")),
          "NO_LOGPROBS");
    }
    raw.push_back(std::exp(*scores[label]));
  }
  LabelDistribution result;
  result.source = LabelSource::kScored;
  result.answers = static_cast<uint32_t>(raw.size());
  result.probabilities = raw;
  for (size_t label = 0; label < raw.size(); ++label) {
    if (begins_with_[label] < 0) continue;
    double& shorter = result.probabilities[static_cast<size_t>(begins_with_[label])];
    shorter = std::max(0.0, shorter - raw[label]);
  }
  const double mass =
      std::accumulate(result.probabilities.begin(), result.probabilities.end(), 0.0);
  if (!(mass > 0) || mass < reading_.min_label_mass) {
    return NoLabelError(mass, reading_.min_label_mass);
  }
  const double scale = mass > 1.0 ? 1.0 / mass : 1.0;
  for (double& probability : result.probabilities) probability *= scale;
  result.leftover = std::max(0.0, 1.0 - mass);
  return result;
}

absl::StatusOr<LabelDistribution> LabelReader::FromStated(
    const std::vector<SoftOutput>& outputs) const {
  if (outputs.empty()) return NoLabelError(0.0, reading_.min_label_mass);
  if (Refused(outputs)) return RefusedError();
  const auto answer = std::find_if_not(outputs.begin(), outputs.end(), IsRefusal);
  std::optional<std::vector<double>> stated = ParseConfidence(answer->text, names_);
  if (!stated.has_value()) return SchemaInvalidError();
  const double sum = std::accumulate(stated->begin(), stated->end(), 0.0);
  if (!(sum > 0) || !std::isfinite(sum) || sum < reading_.min_label_mass) {
    return NoLabelError(sum, reading_.min_label_mass);
  }
  LabelDistribution result;
  result.source = LabelSource::kVerbalised;
  for (const double number : *stated) {
    result.probabilities.push_back(std::max(number / sum, kVerbalisedFloor));
  }
  // Normalises too.
  result.probabilities = AtTemperature(result.probabilities, reading_.temperature);
  result.stated = *std::move(stated);
  return result;
}

}  // namespace limbeck::cache
