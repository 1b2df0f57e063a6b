// Which of a prompt's scored tokens are those of the text to be scored.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "cache/records/soft_output.h"
#include "gateway/teachers/openai/listed_tokens.h"

namespace limbeck::gateway {

struct Continuation {
  std::vector<cache::Token> tokens;
  // The first token also covers the end of the prompt. Its logprob is that of the whole token, its
  // bytes are the text's part, and it is lossy.
  bool straddles = false;
};

// `tokens` spell prompt and continuation, in that order and to the end. The border is found by
// walking back over the tokens' texts. Where those are lossy, the server's offsets decide
// (`prompt_characters` is the prompt's length as they count it); without offsets a run of lossy
// tokens stands for the characters beyond ASCII that its neighbours leave. Lossy tokens stay
// marked. NOT_FOUND: the tokens do not end in the continuation.
absl::StatusOr<Continuation> TakeContinuation(std::string_view continuation,
                                              std::optional<uint64_t> prompt_characters,
                                              std::vector<ListedToken> tokens);

// Characters (code points) of UTF-8 text, as servers count offsets.
uint64_t CountCharacters(std::string_view text);

}  // namespace limbeck::gateway
