// What the gateway adds to a call that falls due while 1,000 others a second do: from its due time
// to its sending, and from its answer to the durable commit. The teacher takes 50 ms.
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "cache/client/grpc_cache_client.h"
#include "cache/records/record_codec.h"
#include "gateway/jobs/answer_keeper.h"
#include "gateway/teachers/canonical.h"
#include "tests/bench/figure.h"
#include "tests/bench/open_loop.h"
#include "tests/support/cluster.h"
#include "tests/support/fake_teacher/fake_teacher.h"

namespace limbeck::bench {
namespace {

constexpr double kPerSecond = 1000;
constexpr size_t kCalls = 10'000;
// Connections are opened and caches filled meanwhile.
constexpr size_t kWarmUp = 1'000;
constexpr int kRuns = 3;
constexpr const char* kDomain = "team/bench";
constexpr const char* kAccount = "job/bench";
constexpr int64_t kCeiling = 1'000'000'000;
constexpr double kGoalP50 = 1;
constexpr double kGoalP99 = 10;

// Claims of calls `first` to `first + count`, in order.
absl::StatusOr<std::vector<cache::AcquireResult>> Claim(cache::CacheClient& cache,
                                                        const gateway::TeacherConfig& config,
                                                        size_t first, size_t count) {
  std::vector<cache::AcquireResult> claims;
  while (claims.size() < count) {
    cache::AcquireRequest request;
    request.domain = kDomain;
    request.accounts = {kAccount};
    request.owner = {"bench", 1};
    const size_t batch = std::min(count - claims.size(), cache::kMaxBatchItems);
    for (size_t i = 0; i < batch; ++i) {
      const auto query = NumberedQuery(first + claims.size() + i);
      request.items.push_back({gateway::CanonicalRequest(config, query), query.top_logprobs});
    }
    LIMBECK_ASSIGN_OR_RETURN(std::vector<cache::AcquireResult> results, cache.Acquire(request));
    for (cache::AcquireResult& result : results) {
      if (result.kind != cache::AcquireResult::Kind::kYours) {
        return absl::InternalError("a new key was not ours to buy");
      }
      claims.push_back(std::move(result));
    }
  }
  return claims;
}

// Milliseconds that the gateway added to each call.
absl::StatusOr<std::vector<double>> RunOnce(cache::CacheClient& cache, const LoopTeacher& teacher,
                                            const TimedTransport& transport, size_t first,
                                            size_t calls) {
  LIMBECK_ASSIGN_OR_RETURN(const std::vector<cache::AcquireResult> claims,
                           Claim(cache, teacher.config, first, calls));
  gateway::JobContext context;
  context.cache = &cache;
  context.domain = kDomain;
  gateway::AnswerKeeper keeper(context, [](const absl::Status&) {});
  OpenLoop loop{.per_second = kPerSecond, .calls = calls, .first = first};
  loop.on_answer = [&](size_t number, cache::SoftOutput output,
                       std::function<void(absl::Status)> done) {
    cache::CommitItem item;
    item.key = claims[number - first].key;
    item.fence = claims[number - first].fence;
    item.record = cache::EncodeRecord(output);
    keeper.Add({std::move(item), std::move(done)});
  };
  LIMBECK_ASSIGN_OR_RETURN(const std::vector<LoopCall> done, RunOpenLoop(teacher, loop));
  std::vector<double> added;
  for (const LoopCall& call : done) {
    const TimedTransport::Times times = transport.Of(call.number);
    added.push_back(absl::ToDoubleMilliseconds(times.sent - call.due) +
                    absl::ToDoubleMilliseconds(call.done - times.answered));
  }
  return added;
}

absl::Status Measure() {
  testing::FakeTeacherOptions teacher_options;
  teacher_options.script.latency = absl::Milliseconds(50);
  LIMBECK_ASSIGN_OR_RETURN(const auto server, testing::FakeTeacher::Start(teacher_options));
  LIMBECK_ASSIGN_OR_RETURN(const auto cluster, testing::Cluster::Start({.cache_only = true}));
  LIMBECK_ASSIGN_OR_RETURN(const auto cache, cache::NewCacheClient(cluster->cache_target()));
  LIMBECK_ASSIGN_OR_RETURN(const auto curl, http::NewCurlTransport({}));
  TimedTransport transport(curl.get());
  LIMBECK_RETURN_IF_ERROR(cache->SetCeiling(kAccount, kCeiling).status());
  const LoopTeacher teacher = NewLoopTeacher(server->base_url(), &transport);
  size_t first = 0;
  LIMBECK_RETURN_IF_ERROR(RunOnce(*cache, teacher, transport, first, kWarmUp).status());
  first += kWarmUp;
  Figure p99{.name = "open_loop_added", .unit = "ms at the 99th percentile", .limit = kGoalP99};
  Figure p50{.name = "open_loop_added_p50", .unit = "ms at the median", .limit = kGoalP50};
  p99.limit_is = "goal: at most 10 ms at 1,000 calls/s, durable commit included";
  p50.limit_is = "goal: at most 1 ms at 1,000 calls/s, durable commit included";
  for (int run = 0; run < kRuns; ++run) {
    LIMBECK_ASSIGN_OR_RETURN(const std::vector<double> added,
                             RunOnce(*cache, teacher, transport, first, kCalls));
    first += kCalls;
    p50.runs.push_back(Quantile(added, 0.5));
    p99.runs.push_back(Quantile(added, 0.99));
  }
  Print(p99);
  Print(p50);
  return absl::OkStatus();
}

}  // namespace
}  // namespace limbeck::bench

int main() { return limbeck::bench::Main("bench_open_loop_added", limbeck::bench::Measure); }
