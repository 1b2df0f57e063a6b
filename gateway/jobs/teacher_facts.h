// What jobs need to know of a configured teacher, apart from how it is called.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>

namespace limbeck::gateway {

struct TeacherFacts {
  std::string name;
  // Whether answers carry the likeliest candidates per token; without them labels come from votes.
  bool gives_top_logprobs = false;
  // Most candidates per token; 0: not known.
  uint32_t max_top_logprobs = 0;
  // Whether students may be trained on its output.
  bool trainable = false;
  int64_t input_micro_usd_per_million = 0;
  int64_t output_micro_usd_per_million = 0;
  // Whether it gives logprobs of a text it is handed, and whether it can be held to a JSON schema.
  bool scores_continuations = false;
  bool follows_schema = false;
  // Whether it can be held to a list of answers.
  bool holds_to_choices = false;
  // Whether a seed means anything to it.
  bool honours_seed = true;
  // Whether its logprobs are those of the distribution sampled from, so that they hang on the
  // temperature.
  bool logprobs_after_temperature = false;
  // Answers to one question that are asked for in one call, and the most that configuration and
  // kind allow where a probe saw that it gives several.
  uint32_t answers_per_call = 1;
  uint32_t max_answers_per_call = 1;
  // Day from which the provider no longer serves it, where that has come; else empty.
  std::string retired_on;
  // Day of the probe that narrowed the above, "2026-11-24"; empty: what the configuration says.
  std::string probed_on;
  // Whether anything else about it has a price: requests, long inputs.
  bool has_other_prices = false;
  // Whether jobs may buy from it by batch.
  bool sells_by_batch = false;

  bool has_price() const {
    return input_micro_usd_per_million > 0 || output_micro_usd_per_million > 0 || has_other_prices;
  }
};

// By name; std::less<> so that lookups need no copy.
using TeacherCatalog = std::map<std::string, TeacherFacts, std::less<>>;

}  // namespace limbeck::gateway
