// Token lists in the shape of OpenAI's chat logprobs, which llama.cpp and Ollama share.
#pragma once

#include <nlohmann/json.hpp>
#include <vector>

#include "cache/records/soft_output.h"

namespace limbeck::gateway {

// Appends the tokens of `list`, an array of {token, bytes, logprob, id, top_logprobs[]}; anything
// that is no array adds none, an element that is no object adds an empty token without logprob.
void AppendTokens(const nlohmann::json& list, std::vector<cache::Token>* tokens);

// An entry tells its probability after sampling (`prob`, `top_probs`) instead of the model's.
bool HasPostSamplingProbs(const nlohmann::json& list);

}  // namespace limbeck::gateway
