// One entry of `logprobs.content[]`. The parser's hot path.
#pragma once

#include <simdjson.h>

#include "cache/records/soft_output.h"

namespace limbeck::gateway {

// Reads an entry with its candidates. Identity rules:
// - `bytes` win over the display string; without them the string stands in, and where it carries
//   an escape or a replacement character the token is marked lossy;
// - `bytes` that are not 0…255 (UTF-16 units written by some gateways) are not used;
// - a token whose bytes differ from those of its own id among the candidates (llama.cpp folds the
//   parts of a character into the last one) is lossy;
// - candidates are told apart by id, else by bytes; the first of two equals stays.
// Sentinels and nulls are absence: such a candidate is dropped, such a token has no logprob.
simdjson::error_code ParseToken(simdjson::ondemand::object entry, cache::Token* token);

}  // namespace limbeck::gateway
