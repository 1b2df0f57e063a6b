// The questions that find out what a teacher gives: a few short calls, each with its upper bound.
#pragma once

#include <cstdint>
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
  kChoices        // An answer held to a list.
};

std::string_view ProbeAspectName(ProbeAspect aspect);

struct ProbeQuestion {
  ProbeAspect aspect = ProbeAspect::kAnswer;
  TeacherQuery query;
};

// Only what the kind can ask at all is asked. `logprobs`: whether the operator expects them.
std::vector<ProbeQuestion> PlanProbe(const TeacherConfig& config, const Capabilities& can,
                                     bool logprobs);

// What the whole plan may cost at most, micro-USD.
int64_t ProbeUpperBoundMicroUsd(const TeacherConfig& config,
                                const std::vector<ProbeQuestion>& questions);

}  // namespace limbeck::gateway
