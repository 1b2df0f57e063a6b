#include "gateway/probing/probe_findings.h"

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
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
  findings->bytes = all([&](const Token& token) {
    // The token that ends an answer stands for no text.
    const bool end = &token == &answer.tokens.back() && answer.tokens.size() > 1;
    return !token.lossy && (end || !token.bytes.empty());
  });
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

// What a refusal of its form, or the answer, says about what one question asked for.
struct Asked {
  ProbeAspect aspect;
  Finding ProbeFindings::*finding;
  // Why it was not asked, where it was not.
  const char* otherwise;
};

constexpr Asked kAsked[] = {
    {ProbeAspect::kRepeat, &ProbeFindings::repeatable, "was not asked"},
    {ProbeAspect::kSeed, &ProbeFindings::seed, "teachers of this kind take no seed"},
    {ProbeAspect::kContinuation, &ProbeFindings::continuation,
     "teachers of this kind cannot be asked to score a text"},
    {ProbeAspect::kSchema, &ProbeFindings::schema,
     "teachers of this kind cannot be asked to follow a JSON schema"},
    {ProbeAspect::kChoices, &ProbeFindings::choices,
     "teachers of this kind cannot be held to a list of answers"},
    {ProbeAspect::kSamples, &ProbeFindings::samples,
     "teachers of this kind give one answer per call"},
};

void AddNote(ProbeAspect aspect, std::string_view what, ProbeFindings* findings) {
  findings->notes.push_back(absl::StrCat(ToAbsl(ProbeAspectName(aspect)), ": ", ToAbsl(what)));
}

bool IsNoted(const ProbeFindings& findings, ProbeAspect aspect) {
  const std::string prefix = absl::StrCat(ToAbsl(ProbeAspectName(aspect)), ": ");
  return std::any_of(findings.notes.begin(), findings.notes.end(),
                     [&](const std::string& note) { return note.starts_with(prefix); });
}

void ReadFailure(ProbeAspect aspect, const Failure& failure, ProbeFindings* findings) {
  AddNote(aspect, absl::StrCat(failure.message, " (", failure.reason, ")"), findings);
  // A request that is refused for its form shows that the teacher lacks what it asked for.
  if (failure.cls != FailureClass::kBadRequest) return;
  for (const Asked& asked : kAsked) {
    if (asked.aspect == aspect) findings->*asked.finding = Finding::kNo;
  }
}

void ReadSamples(const ProbeQuestion& question, size_t further, ProbeFindings* findings) {
  const size_t given = 1 + further;
  findings->samples = Told(given == question.query.samples);
  if (given == question.query.samples) return;
  AddNote(
      question.aspect,
      absl::StrCat(question.query.samples, " answers were asked for in one call, ", given, " came"),
      findings);
}

void ReadForm(const ProbeQuestion& question, const SoftOutput& output, size_t further,
              ProbeFindings* findings) {
  if (question.aspect == ProbeAspect::kContinuation) {
    findings->continuation = Told(IsScored(output, question.query.continuation));
  } else if (question.aspect == ProbeAspect::kSchema) {
    findings->schema = Told(IsAskedJson(output.text));
  } else if (question.aspect == ProbeAspect::kChoices) {
    const std::vector<std::string>& choices = question.query.choices;
    findings->choices =
        Told(std::find(choices.begin(), choices.end(), output.text) != choices.end());
  } else if (question.aspect == ProbeAspect::kSamples) {
    ReadSamples(question, further, findings);
  }
}

void ReadHeaders(const std::vector<ProbeAnswer>& answers, ProbeFindings* findings) {
  for (const ProbeAnswer& answer : answers) {
    if (!answer.headers.empty()) findings->headers = answer.headers;
  }
  if (!answers.empty()) findings->rate_headers = Told(!findings->headers.empty());
}

void ReadListing(const Listing& listing, ProbeFindings* findings) {
  if (!listing.ok()) {
    findings->notes.push_back(
        absl::StrCat("retirement: not known: ", absl::string_view(listing.status().message())));
  } else if (!listing->has_value()) {
    findings->notes.push_back("retirement: not known: the provider's list lacks the model");
  } else {
    findings->retires_on = (*listing)->retires_on;
  }
}

// Every unknown gets its reason.
void GiveReasons(ProbeFindings* findings) {
  for (const Asked& asked : kAsked) {
    if (findings->*asked.finding != Finding::kUnknown || IsNoted(*findings, asked.aspect)) continue;
    AddNote(asked.aspect, asked.otherwise, findings);
  }
  if (findings->bytes == Finding::kUnknown) {
    findings->notes.push_back("bytes, ids: the answer came without tokens");
  }
  if (findings->chosen_listed == Finding::kUnknown) {
    findings->notes.push_back("chosen token: the answer came without candidates");
  }
  if (findings->stage == LogprobStage::kUnknown && !IsNoted(*findings, ProbeAspect::kWarm)) {
    AddNote(ProbeAspect::kWarm, "two or more candidates per token are needed to tell", findings);
  }
}

}  // namespace

ProbeFindings ReadProbe(const std::vector<ProbeQuestion>& questions,
                        const std::vector<ProbeAnswer>& answers, const Listing& listing) {
  ProbeFindings findings;
  Outputs outputs;
  std::map<ProbeAspect, size_t> further;
  for (const ProbeAnswer& answer : answers) {
    if (const auto* output = std::get_if<SoftOutput>(&answer.result)) {
      outputs.emplace(answer.aspect, output);
      further.emplace(answer.aspect, answer.further);
    } else {
      ReadFailure(answer.aspect, std::get<Failure>(answer.result), &findings);
    }
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
    if (output != nullptr) ReadForm(question, *output, further[question.aspect], &findings);
  }
  ReadHeaders(answers, &findings);
  ReadListing(listing, &findings);
  GiveReasons(&findings);
  return findings;
}

}  // namespace limbeck::gateway
