// The questions that find out what a teacher gives: a few short calls, each with its upper bound.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "gateway/teachers/teacher.h"

namespace limbeck::gateway {

// What a question is asked for. Answers are read together: a seed needs three.
enum class ProbeAspect : uint8_t {
  kAnswer,        // Support, candidates, bytes, ids, names: the first question, at temperature 0.
  kRepeat,        // The same again: does temperature 0 repeat?
  kSeed,          // Temperature 1 with a seed,
  kSeedRepeat,    // with the same seed,
  kSeedOther,     // and with another one.
  kWarm,          // An open choice at temperature 1,
  kCool,          // and at 0.5: do logprobs change with it?
  kContinuation,  // A given text scored.
  kSchema,        // An answer held to a JSON schema.
  kChoices,       // An answer held to a list.
  kSamples        // Two answers from one call.
};

std::string_view ProbeAspectName(ProbeAspect aspect);

struct ProbeQuestion {
  ProbeAspect aspect = ProbeAspect::kAnswer;
  TeacherQuery query;
};

// Candidates per token that the first question asks for: the most that configuration and kind
// allow. `logprobs`: whether the operator expects them.
uint32_t MostProbedCandidates(const TeacherConfig& config, const Capabilities& can, bool logprobs);

// Only what the kind can ask at all is asked. `candidates` per token, 0 for no logprobs.
std::vector<ProbeQuestion> PlanProbe(const Capabilities& can, uint32_t candidates);

// Where the first question is refused for its candidates, the number that is allowed is found by
// halving. REQUIRES: `refused` > 0.
class CandidateSearch {
 public:
  explicit CandidateSearch(uint32_t refused) : refused_(refused) {}

  // The number to ask for next; nullopt when it is found. 0 asks for no logprobs at all.
  std::optional<uint32_t> Next() const;
  void Tell(uint32_t candidates, bool accepted);

 private:
  int64_t accepted_ = -1;
  int64_t refused_;
};

// What the whole plan may cost at most, a CandidateSearch included, micro-USD.
int64_t ProbeUpperBoundMicroUsd(const TeacherConfig& config,
                                const std::vector<ProbeQuestion>& questions);

}  // namespace limbeck::gateway
