// What a probe's answers show about a teacher.
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "cache/records/soft_output.h"
#include "gateway/probing/probe_plan.h"
#include "gateway/teachers/failure.h"

namespace limbeck::gateway {

enum class Finding : uint8_t {
  kUnknown,  // Not asked, or the answers do not tell.
  kNo,
  kYes
};

// Whether a logprob is the model's own or that of the distribution that was sampled from. Labels
// from logprobs are taken at temperature 1, where both agree.
enum class LogprobStage : uint8_t { kUnknown, kBeforeTemperature, kAfterTemperature };

struct ProbeFindings {
  cache::Support support = cache::Support::kTextOnly;
  // Most candidates seen at one token.
  uint32_t max_top_logprobs = 0;
  Finding bytes = Finding::kUnknown;          // Of every token, none of them lossy.
  Finding token_ids = Finding::kUnknown;      // Of every token.
  Finding chosen_listed = Finding::kUnknown;  // The chosen token is among the candidates.
  Finding repeatable = Finding::kUnknown;     // Temperature 0 gave the same text twice.
  Finding seed = Finding::kUnknown;           // Repeats, and another seed differs.
  Finding continuation = Finding::kUnknown;   // A given text was scored.
  Finding schema = Finding::kUnknown;         // The answer was the JSON asked for.
  Finding choices = Finding::kUnknown;        // The answer was one of the list.
  LogprobStage stage = LogprobStage::kUnknown;
  std::string model;        // As it named itself.
  std::string fingerprint;  // Empty where it gives none.
  // "seed: HTTP 400 …": why something stayed unknown or is a no.
  std::vector<std::string> notes;
};

struct ProbeAnswer {
  ProbeAspect aspect = ProbeAspect::kAnswer;
  std::variant<cache::SoftOutput, Failure> result;
};

// Pure. Answers may be missing; kAnswer must have succeeded for the rest to mean much.
ProbeFindings ReadProbe(const std::vector<ProbeQuestion>& questions,
                        const std::vector<ProbeAnswer>& answers);

}  // namespace limbeck::gateway
