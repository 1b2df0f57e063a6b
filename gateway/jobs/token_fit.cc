#include "gateway/jobs/token_fit.h"

#include <algorithm>
#include <cmath>

#include "base/status.h"

namespace limbeck::gateway {
namespace {

constexpr uint64_t kPerBytes = 1000;
// A range is never narrower than this many percent to each side: rows differ from earlier ones.
constexpr uint64_t kMinSpreadPercent = 5;
constexpr double kSecondsPerMinute = 60.0;
constexpr double kMicrosPerSecond = 1e6;

uint64_t Rounded(uint64_t dividend, uint64_t divisor) { return (dividend + divisor / 2) / divisor; }

// Around `mean`, given the sums of a value and of its squares over `calls`.
uint64_t Spread(uint64_t mean, uint64_t calls, uint64_t sum, uint64_t squares) {
  const double n = static_cast<double>(calls);
  const double average = static_cast<double>(sum) / n;
  const double variance = std::max(0.0, static_cast<double>(squares) / n - average * average);
  return std::max(static_cast<uint64_t>(std::llround(std::sqrt(variance))),
                  mean * kMinSpreadPercent / 100);
}

int64_t InputTokens(uint64_t per_1000_bytes, uint64_t bytes) {
  return static_cast<int64_t>(std::max<uint64_t>(1, Rounded(bytes * per_1000_bytes, kPerBytes)));
}

int64_t OutputTokens(uint64_t tokens, uint32_t max_tokens) {
  return static_cast<int64_t>(std::min<uint64_t>(tokens, max_tokens));
}

}  // namespace

TokenFit FitTokens(const cache::TeacherStats& stats) {
  TokenFit fit;
  if (stats.calls < kMinFittedCalls || stats.prompt_bytes == 0) return fit;
  fit.calls = stats.calls;
  const uint64_t rate = Rounded(stats.input_tokens * kPerBytes, stats.prompt_bytes);
  const uint64_t rate_spread =
      Spread(rate, stats.calls, stats.input_rate_sum, stats.input_rate_squares);
  fit.input_low = rate - std::min(rate, rate_spread);
  fit.input_likely = rate;
  fit.input_high = rate + rate_spread;
  const uint64_t output = Rounded(stats.output_tokens, stats.calls);
  const uint64_t output_spread =
      Spread(output, stats.calls, stats.output_tokens, stats.output_squares);
  fit.output_low = output - std::min(output, output_spread);
  fit.output_likely = output;
  fit.output_high = output + output_spread;
  fit.micros = static_cast<int64_t>(stats.micros / stats.calls);
  return fit;
}

absl::StatusOr<TokenFit> ReadTokenFit(cache::CacheClient* cache, const std::string& domain,
                                      const std::string& teacher) {
  LIMBECK_ASSIGN_OR_RETURN(const cache::TeacherStats stats,
                           cache->GetTeacherStats(domain, teacher));
  return FitTokens(stats);
}

TokenRange LikelyTokens(const TokenFit& fit, uint64_t prompt_bytes, uint32_t max_tokens) {
  TokenRange range;
  range.low = {InputTokens(fit.input_low, prompt_bytes), OutputTokens(fit.output_low, max_tokens)};
  range.likely = {InputTokens(fit.input_likely, prompt_bytes),
                  OutputTokens(fit.output_likely, max_tokens)};
  range.high = {InputTokens(fit.input_high, prompt_bytes),
                OutputTokens(fit.output_high, max_tokens)};
  return range;
}

TimeEstimate EstimateTime(const QuotaPoolOptions& limits, const TokenFit& fit, uint64_t calls,
                          const TokenCount& tokens) {
  TimeEstimate estimate;
  if (calls == 0) return estimate;
  const auto consider = [&estimate](double seconds, const char* limit) {
    if (seconds <= estimate.seconds) return;
    estimate = {seconds, limit};
  };
  const auto per_minute = [&](double amount, int64_t rate, const char* limit) {
    if (rate > 0) consider(amount / static_cast<double>(rate) * kSecondsPerMinute, limit);
  };
  const double concurrent = std::max<double>(1.0, limits.max_concurrent);
  const double count = static_cast<double>(calls);
  consider(std::ceil(count / concurrent) * static_cast<double>(std::max<int64_t>(fit.micros, 1)) /
               kMicrosPerSecond,
           "calls at once");
  per_minute(count, limits.requests_per_minute, "requests per minute");
  per_minute(static_cast<double>(tokens.input), limits.input_tokens_per_minute,
             "input tokens per minute");
  per_minute(static_cast<double>(tokens.output), limits.output_tokens_per_minute,
             "output tokens per minute");
  return estimate;
}

}  // namespace limbeck::gateway
