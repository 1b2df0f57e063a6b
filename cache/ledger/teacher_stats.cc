#include "cache/ledger/teacher_stats.h"

#include <algorithm>
#include <optional>

#include "base/status.h"

namespace limbeck::cache {
namespace {

// What one call can be believed to use, so that absurd numbers spoil no sum.
constexpr uint64_t kMostPerCall = 10'000'000;
constexpr uint64_t kMostRate = 100'000;  // Input tokens per 1,000 prompt bytes.
constexpr uint64_t kMostMicros = 86'400'000'000;

constexpr uint64_t TeacherStats::*kSums[] = {&TeacherStats::calls,
                                             &TeacherStats::prompt_bytes,
                                             &TeacherStats::input_tokens,
                                             &TeacherStats::output_tokens,
                                             &TeacherStats::micros,
                                             &TeacherStats::input_rate_sum,
                                             &TeacherStats::input_rate_squares,
                                             &TeacherStats::output_squares};

}  // namespace

void AddCall(const CallUsage& usage, TeacherStats* stats) {
  if (!usage.reported || usage.prompt_bytes == 0) return;
  const uint64_t bytes = std::min(usage.prompt_bytes, kMostPerCall);
  const uint64_t input = std::min(usage.input_tokens, kMostPerCall);
  const uint64_t output = std::min(usage.output_tokens, kMostPerCall);
  const uint64_t rate = std::min(input * 1000 / bytes, kMostRate);
  ++stats->calls;
  stats->prompt_bytes += bytes;
  stats->input_tokens += input;
  stats->output_tokens += output;
  stats->micros += std::min(usage.micros, kMostMicros);
  stats->input_rate_sum += rate;
  stats->input_rate_squares += rate * rate;
  stats->output_squares += output * output;
}

absl::Status AddTeacherStats(Transaction* transaction, const std::string& domain,
                             const TeacherStatsByName& stats) {
  for (const auto& [teacher, added] : stats) {
    if (added.calls == 0) continue;
    const std::string key = ItemKey(domain, teacher);
    LIMBECK_ASSIGN_OR_RETURN(const std::optional<TeacherStats> known,
                             transaction->GetRow<TeacherStats>(kTeacherTable, key));
    TeacherStats sums = known.value_or(TeacherStats());
    for (const auto sum : kSums) sums.*sum += added.*sum;
    if (sums.calls > kMaxStatsCalls) {
      for (const auto sum : kSums) sums.*sum /= 2;
    }
    transaction->Put(kTeacherTable, key, Encode(sums));
  }
  return absl::OkStatus();
}

}  // namespace limbeck::cache
