#include "gateway/probing/probe_plan.h"

#include <algorithm>
#include <string>
#include <utility>

#include "gateway/teachers/cost.h"

namespace limbeck::gateway {
namespace {

// Long enough that two seeds rarely give the same text.
constexpr uint32_t kSeededTokens = 12;
constexpr int64_t kSeed = 7;
constexpr int64_t kOtherSeed = 8;
constexpr uint32_t kProbedSamples = 2;
constexpr const char* kAnswerSchema =
    R"({"type":"object","properties":{"answer":{"type":"string"}},)"
    R"("required":["answer"],"additionalProperties":false})";

TeacherQuery Ask(std::string question, double temperature, uint32_t max_tokens) {
  TeacherQuery query;
  query.messages = {{Role::kUser, std::move(question)}};
  query.sampling.temperature = temperature;
  query.sampling.max_tokens = max_tokens;
  return query;
}

TeacherQuery AskForAnswer(uint32_t top_logprobs) {
  TeacherQuery query = Ask("Answer with one word: is the sky blue?", 0, 4);
  query.top_logprobs = top_logprobs;
  return query;
}

TeacherQuery AskWithSeed(int64_t seed) {
  TeacherQuery query = Ask("Invent a short name for a village.", 1, kSeededTokens);
  query.sampling.seed = seed;
  return query;
}

TeacherQuery AskForLetter(double temperature, uint32_t top_logprobs) {
  TeacherQuery query = Ask("Answer with one letter of the alphabet, any.", temperature, 1);
  query.top_logprobs = top_logprobs;
  return query;
}

}  // namespace

std::string_view ProbeAspectName(ProbeAspect aspect) {
  switch (aspect) {
    case ProbeAspect::kAnswer:
      return "answer";
    case ProbeAspect::kRepeat:
      return "repeat";
    case ProbeAspect::kSeed:
    case ProbeAspect::kSeedRepeat:
    case ProbeAspect::kSeedOther:
      return "seed";
    case ProbeAspect::kWarm:
    case ProbeAspect::kCool:
      return "temperature";
    case ProbeAspect::kContinuation:
      return "continuation";
    case ProbeAspect::kSchema:
      return "schema";
    case ProbeAspect::kChoices:
      return "choices";
    case ProbeAspect::kSamples:
      break;
  }
  return "samples";
}

uint32_t MostProbedCandidates(const TeacherConfig& config, const Capabilities& can, bool logprobs) {
  return logprobs && can.logprobs ? std::min(config.max_top_logprobs, can.max_top_logprobs) : 0;
}

std::optional<uint32_t> CandidateSearch::Next() const {
  if (refused_ - accepted_ <= 1) return std::nullopt;
  return static_cast<uint32_t>((accepted_ + refused_) / 2);
}

void CandidateSearch::Tell(uint32_t candidates, bool accepted) {
  (accepted ? accepted_ : refused_) = candidates;
}

std::vector<ProbeQuestion> PlanProbe(const Capabilities& can, uint32_t candidates) {
  const uint32_t k = candidates;
  std::vector<ProbeQuestion> questions = {{ProbeAspect::kAnswer, AskForAnswer(k)},
                                          {ProbeAspect::kRepeat, AskForAnswer(k)}};
  if (can.seed) {
    questions.push_back({ProbeAspect::kSeed, AskWithSeed(kSeed)});
    questions.push_back({ProbeAspect::kSeedRepeat, AskWithSeed(kSeed)});
    questions.push_back({ProbeAspect::kSeedOther, AskWithSeed(kOtherSeed)});
  }
  if (k > 1) {
    questions.push_back({ProbeAspect::kWarm, AskForLetter(1, k)});
    questions.push_back({ProbeAspect::kCool, AskForLetter(0.5, k)});
  }
  if (can.continuation_scoring) {
    TeacherQuery query = AskForAnswer(std::min(k, 1u));
    query.continuation = "Yes";
    questions.push_back({ProbeAspect::kContinuation, std::move(query)});
  }
  if (can.schema) {
    TeacherQuery query = Ask("Is the sky blue? Answer in JSON.", 0, 32);
    query.response_schema = kAnswerSchema;
    questions.push_back({ProbeAspect::kSchema, std::move(query)});
  }
  if (can.choices) {
    TeacherQuery query = Ask("What colour is grass?", 0, 4);
    query.choices = {"red", "blue"};
    questions.push_back({ProbeAspect::kChoices, std::move(query)});
  }
  if (can.max_samples > 1) {
    TeacherQuery query = AskForLetter(1, 0);
    query.samples = kProbedSamples;
    questions.push_back({ProbeAspect::kSamples, std::move(query)});
  }
  return questions;
}

int64_t ProbeUpperBoundMicroUsd(const TeacherConfig& config,
                                const std::vector<ProbeQuestion>& questions) {
  int64_t sum = 0;
  for (const ProbeQuestion& question : questions) {
    sum += UpperBoundMicroUsd(config, question.query);
  }
  // Refused calls are free, but a search may end with several that are not.
  if (questions.empty() || questions.front().query.top_logprobs == 0) return sum;
  for (uint32_t left = questions.front().query.top_logprobs; left > 0; left /= 2) {
    sum += UpperBoundMicroUsd(config, questions.front().query);
  }
  return sum;
}

}  // namespace limbeck::gateway
