#include "gateway/jobs/votes_together.h"

#include <algorithm>

#include "gateway/jobs/spec_defaults.h"

namespace limbeck::gateway {

uint32_t VotesPerCall(const JobContext& context, const v1::JobSpec& spec) {
  if (!CountsVotes(spec) || spec.teachers().empty()) return 1;
  const v1::TeacherUse& use = spec.teachers(0);
  const auto teacher = context.teachers->find(use.teacher());
  if (teacher == context.teachers->end() || use.sampling().has_seed()) return 1;
  TeacherFacts facts = teacher->second.facts;
  if (context.apply_probe != nullptr) context.apply_probe(&facts);
  return std::clamp<uint32_t>(facts.answers_per_call, 1, FirstSamplesPerItem(spec));
}

TokenCount PartOfCall(const TokenCount& single, uint32_t votes) {
  const int64_t parts = std::max<uint32_t>(votes, 1);
  return {(single.input + parts - 1) / parts, single.output};
}

std::vector<cache::Usage> SplitUsage(const cache::Usage& whole, size_t parts) {
  std::vector<cache::Usage> split(parts);
  const auto part = [parts](uint64_t sum, size_t i) { return sum / parts + (i < sum % parts); };
  for (size_t i = 0; i < parts; ++i) {
    split[i].input_tokens = part(whole.input_tokens, i);
    // By the same rule, so no part has more cached input than input.
    split[i].cached_input_tokens = part(whole.cached_input_tokens, i);
    split[i].output_tokens = part(whole.output_tokens, i);
    split[i].reasoning_tokens = part(whole.reasoning_tokens, i);
  }
  return split;
}

std::vector<int64_t> SplitAmount(int64_t whole, size_t parts) {
  const auto count = static_cast<int64_t>(parts);
  std::vector<int64_t> split(parts, whole / count);
  for (int64_t i = 0; i < whole % count; ++i) ++split[static_cast<size_t>(i)];
  return split;
}

}  // namespace limbeck::gateway
