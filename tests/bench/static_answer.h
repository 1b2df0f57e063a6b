// Answers of the size that real teachers send.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace limbeck::bench {

// A chat completion with logprobs: `tokens` tokens with `top` candidates each, the first token's
// led by `labels`. About 2 KB for (1, 20) and 210 KB for (128, 20). The same arguments give the
// same bytes.
std::string ChatAnswer(size_t tokens, size_t top, const std::vector<std::string>& labels);

}  // namespace limbeck::bench
