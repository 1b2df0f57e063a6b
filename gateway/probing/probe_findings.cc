#include "gateway/probing/probe_findings.h"

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "base/string_view.h"

namespace limbeck::gateway {
namespace {

using cache::Candidate;
using cache::SoftOutput;
using cache::Token;

// Candidates nearer than this to the likeliest say little about a ratio of distances.
constexpr float kLeastDistance = 0.2F;
// Distances double from temperature 1 to 0.5 where logprobs are taken after it.
constexpr double kUnchangedMost = 1.25;
constexpr double kDoubledLeast = 1.6;
constexpr double kDoubledMost = 2.5;

Finding Told(bool yes) { return yes ? Finding::kYes : Finding::kNo; }

using Outputs = std::map<ProbeAspect, const SoftOutput*>;

const SoftOutput* Find(const Outputs& outputs, ProbeAspect aspect) {
  const auto found = outputs.find(aspect);
  return found == outputs.end() ? nullptr : found->second;
}

bool ListsChosen(const Token& token) {
  return std::any_of(token.candidates.begin(), token.candidates.end(),
                     [&](const Candidate& candidate) { return candidate.bytes == token.bytes; });
}

void ReadAnswer(const SoftOutput& answer, ProbeFindings* findings) {
  findings->support = answer.support;
  findings->model = answer.provenance.model;
  findings->fingerprint = answer.provenance.fingerprint;
  if (answer.tokens.empty()) return;
  const auto all = [&](const auto& holds) {
    return Told(std::all_of(answer.tokens.begin(), answer.tokens.end(), holds));
  };
  findings->bytes = all([](const Token& token) { return !token.bytes.empty() && !token.lossy; });
  findings->token_ids = all([](const Token& token) { return token.id.has_value(); });
  for (const Token& token : answer.tokens) {
    findings->max_top_logprobs =
        std::max(findings->max_top_logprobs, static_cast<uint32_t>(token.candidates.size()));
  }
  if (findings->max_top_logprobs > 0) findings->chosen_listed = all(ListsChosen);
}

void ReadSeed(const Outputs& outputs, ProbeFindings* findings) {
  const SoftOutput* first = Find(outputs, ProbeAspect::kSeed);
  const SoftOutput* again = Find(outputs, ProbeAspect::kSeedRepeat);
  const SoftOutput* other = Find(outputs, ProbeAspect::kSeedOther);
  if (first == nullptr || again == nullptr || other == nullptr) return;
  if (first->text != again->text) {
    findings->seed = Finding::kNo;
    return;
  }
  if (first->text != other->text) {
    findings->seed = Finding::kYes;
    return;
  }
  findings->notes.push_back("seed: every seed gave the same text");
}

// How far each candidate of the first token lies below the likeliest.
std::map<std::string, float> Distances(const SoftOutput& output) {
  std::map<std::string, float> distances;
  if (output.tokens.empty() || output.tokens.front().candidates.empty()) return distances;
  const std::vector<Candidate>& candidates = output.tokens.front().candidates;
  for (const Candidate& candidate : candidates) {
    distances.emplace(candidate.bytes, candidates.front().logprob - candidate.logprob);
  }
  return distances;
}

void ReadStage(const Outputs& outputs, ProbeFindings* findings) {
  const SoftOutput* warm = Find(outputs, ProbeAspect::kWarm);
  const SoftOutput* cool = Find(outputs, ProbeAspect::kCool);
  if (warm == nullptr || cool == nullptr) return;
  const std::map<std::string, float> cool_distances = Distances(*cool);
  double warm_sum = 0;
  double cool_sum = 0;
  for (const auto& [bytes, distance] : Distances(*warm)) {
    const auto found = cool_distances.find(bytes);
    if (distance < kLeastDistance || found == cool_distances.end()) continue;
    warm_sum += distance;
    cool_sum += found->second;
  }
  const double ratio = warm_sum > 0 ? cool_sum / warm_sum : 0;
  if (ratio >= 1 / kUnchangedMost && ratio <= kUnchangedMost) {
    findings->stage = LogprobStage::kBeforeTemperature;
  } else if (ratio >= kDoubledLeast && ratio <= kDoubledMost) {
    findings->stage = LogprobStage::kAfterTemperature;
  } else {
    findings->notes.push_back("temperature: the candidates of two answers cannot be compared");
  }
}

bool IsAskedJson(const std::string& text) {
  const auto json = nlohmann::json::parse(text, nullptr, /*allow_exceptions=*/false);
  return json.is_object() && json.size() == 1 && json.contains("answer") &&
         json["answer"].is_string();
}

bool IsScored(const SoftOutput& output, const std::string& continuation) {
  std::string bytes;
  for (const Token& token : output.tokens) {
    if (!token.logprob.has_value()) return false;
    bytes += token.bytes;
  }
  return bytes == continuation;
}

}  // namespace

ProbeFindings ReadProbe(const std::vector<ProbeQuestion>& questions,
                        const std::vector<ProbeAnswer>& answers) {
  ProbeFindings findings;
  Outputs outputs;
  for (const ProbeAnswer& answer : answers) {
    if (const auto* output = std::get_if<SoftOutput>(&answer.result)) {
      outputs.emplace(answer.aspect, output);
      continue;
    }
    const auto& failure = std::get<Failure>(answer.result);
    findings.notes.push_back(absl::StrCat(ToAbsl(ProbeAspectName(answer.aspect)), ": ",
                                          failure.message, " (", failure.reason, ")"));
    // A request that is refused for its form shows that the teacher lacks what it asked for.
    if (failure.cls != FailureClass::kBadRequest) continue;
    if (answer.aspect == ProbeAspect::kSeed) findings.seed = Finding::kNo;
    if (answer.aspect == ProbeAspect::kContinuation) findings.continuation = Finding::kNo;
    if (answer.aspect == ProbeAspect::kSchema) findings.schema = Finding::kNo;
    if (answer.aspect == ProbeAspect::kChoices) findings.choices = Finding::kNo;
  }
  const SoftOutput* first = Find(outputs, ProbeAspect::kAnswer);
  if (first != nullptr) ReadAnswer(*first, &findings);
  if (const auto* again = Find(outputs, ProbeAspect::kRepeat);
      again != nullptr && first != nullptr) {
    findings.repeatable = Told(again->text == first->text);
  }
  ReadSeed(outputs, &findings);
  ReadStage(outputs, &findings);
  for (const ProbeQuestion& question : questions) {
    const SoftOutput* output = Find(outputs, question.aspect);
    if (output == nullptr) continue;
    if (question.aspect == ProbeAspect::kContinuation) {
      findings.continuation = Told(IsScored(*output, question.query.continuation));
    } else if (question.aspect == ProbeAspect::kSchema) {
      findings.schema = Told(IsAskedJson(output->text));
    } else if (question.aspect == ProbeAspect::kChoices) {
      const std::vector<std::string>& choices = question.query.choices;
      findings.choices =
          Told(std::find(choices.begin(), choices.end(), output->text) != choices.end());
    }
  }
  return findings;
}

}  // namespace limbeck::gateway
