// Every provider kind's reading of answer headers. The first line names the kind (any other text
// stands for one), the next byte chooses the status code; then one header a line, "Name: value".
// Waits must be such that a pool can keep them.
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "base/clock.h"
#include "gateway/limits/quota_pool.h"
#include "gateway/teachers/rate_headers.h"
#include "gateway/teachers/registry.h"
#include "tests/fuzz/fuzz_input.h"

namespace limbeck::gateway {
namespace {

constexpr int kStatusCodes[] = {200, 429, 503, 529};
constexpr size_t kMaxHeaders = 64;

void Require(bool holds) {
  if (!holds) std::abort();
}

void CheckWait(const std::optional<absl::Duration>& wait, absl::Duration longest) {
  if (wait.has_value()) Require(*wait >= absl::ZeroDuration() && *wait <= longest);
}

void CheckCount(const std::optional<int64_t>& count) {
  if (count.has_value()) Require(*count >= 0);
}

const Provider* KindOf(std::string_view line) {
  if (const auto provider = FindProvider(line); provider.ok()) return *provider;
  const std::vector<std::string_view> kinds = ProviderKinds();
  return FindProvider(kinds[line.size() % kinds.size()]).value();
}

// What was read must leave the pool's books whole: a lease ends, and what is left is finite.
void UseInPool(CallEnd end, const QuotaHints& hints) {
  FakeClock clock;
  QuotaPoolOptions options;
  options.limits = {{.kind = QuotaKind::kRequests, .amount = 60},
                    {.kind = QuotaKind::kInputTokens, .amount = 1000}};
  QuotaPool pool(options, &clock);
  const QuotaPool::Admission admission = pool.Admit({10, 10});
  Require(admission.admitted);
  pool.Settle(admission.lease, end, {10, 10}, hints);
  Require(pool.state().in_use == 0);
  const QuotaPool::Admission next = pool.Admit({10, 10});
  Require(next.admitted || !next.try_at.has_value() || *next.try_at >= clock.Now());
}

void ReadHeaders(fuzz::FuzzInput input) {
  const Provider* const provider = KindOf(input.Line());
  TeacherConfig config;
  config.name = "t";
  config.kind = std::string(provider->kind());
  config.base_url = "https://host.example/v1";
  config.model = "m";
  http::Response response;
  response.status_code = kStatusCodes[input.Byte() % std::size(kStatusCodes)];
  while (!input.Rest().empty() && response.headers.size() < kMaxHeaders) {
    const std::string_view line = input.Line();
    const size_t colon = line.find(": ");
    if (colon == std::string_view::npos) continue;
    response.headers.push_back(
        {std::string(line.substr(0, colon)), std::string(line.substr(colon + 2))});
  }
  const absl::Time now = absl::FromUnixSeconds(1'700'000'000);
  const QuotaHints hints = provider->HintsFor(config, response, now);
  CheckWait(hints.retry_after, kMaxWaitHint);
  for (const auto& reset : {hints.reset_requests, hints.reset_tokens, hints.reset_input_tokens,
                            hints.reset_output_tokens}) {
    CheckWait(reset, absl::InfiniteDuration());
  }
  for (const auto& count : {hints.remaining_requests, hints.remaining_input_tokens,
                            hints.remaining_output_tokens, hints.remaining_total_tokens}) {
    CheckCount(count);
  }
  UseInPool(response.status_code == 429 ? CallEnd::kRateLimited : CallEnd::kAnswered, hints);
}

}  // namespace
}  // namespace limbeck::gateway

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  limbeck::gateway::ReadHeaders({data, size});
  return 0;
}
