// What a probe's answers show about a teacher.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "absl/status/statusor.h"
#include "cache/records/soft_output.h"
#include "gateway/probing/probe_plan.h"
#include "gateway/teachers/failure.h"
#include "gateway/teachers/model_listing.h"
#include "gateway/teachers/rate_headers.h"

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
  Finding samples = Finding::kUnknown;        // One call gave as many answers as were asked for.
  Finding rate_headers = Finding::kUnknown;   // Answers speak of the account's limits.
  LogprobStage stage = LogprobStage::kUnknown;
  std::string model;                // As it named itself.
  std::string fingerprint;          // Empty where it gives none.
  std::vector<RateHeader> headers;  // Of the last answer that had some.
  // Day from which the model is no longer served; empty where the provider's list announces none,
  // absent where that is not known.
  std::optional<std::string> retires_on;
  // "seed: HTTP 400 …": why something stayed unknown or is a no. Every unknown has one.
  std::vector<std::string> notes;
};

struct ProbeAnswer {
  ProbeAspect aspect = ProbeAspect::kAnswer;
  std::variant<cache::SoftOutput, Failure> result;
  size_t further = 0;               // Answers behind the first.
  std::vector<RateHeader> headers;  // Of the last response, whatever its status.
};

// What the provider's list of models said, or why there is none.
using Listing = absl::StatusOr<std::optional<ListedModel>>;

// Pure. Answers may be missing; kAnswer must have succeeded for the rest to mean much.
ProbeFindings ReadProbe(const std::vector<ProbeQuestion>& questions,
                        const std::vector<ProbeAnswer>& answers, const Listing& listing);

}  // namespace limbeck::gateway
