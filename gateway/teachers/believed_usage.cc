#include "gateway/teachers/believed_usage.h"

#include <algorithm>

namespace limbeck::gateway {

cache::Usage BelievedUsage(const cache::SoftOutput& output, bool sampled) {
  const cache::Usage& usage = output.usage;
  const uint64_t most = std::max(
      {usage.input_tokens, usage.cached_input_tokens, usage.output_tokens, usage.reasoning_tokens});
  const bool said_something = !output.text.empty() || !output.tokens.empty();
  if (most > kMostTokensPerCall) return {};
  if (sampled && said_something && usage.output_tokens == 0) return {};
  return usage;
}

}  // namespace limbeck::gateway
