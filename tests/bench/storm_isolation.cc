// A teacher of one account answers 429 and nothing else; how much longer do calls to a teacher of
// another account take meanwhile? LIMBECK_STORM_SECONDS shortens the five minutes.
#include <cstdlib>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "tests/bench/figure.h"
#include "tests/bench/open_loop.h"
#include "tests/support/fake_teacher/fake_teacher.h"

namespace limbeck::bench {
namespace {

constexpr double kStormSeconds = 300;
constexpr double kPerSecond = 200;
constexpr size_t kBacklog = 20'000;
constexpr double kGoal = 1.1;

// Milliseconds from due to answer, at the 99th percentile.
absl::StatusOr<double> P99(const LoopTeacher& teacher, size_t first, size_t calls) {
  OpenLoop loop{.per_second = kPerSecond, .calls = calls, .first = first};
  loop.on_answer = [](size_t, const cache::SoftOutput&, const auto& done) {
    done(absl::OkStatus());
  };
  LIMBECK_ASSIGN_OR_RETURN(const std::vector<LoopCall> done, RunOpenLoop(teacher, loop));
  std::vector<double> times;
  for (const LoopCall& call : done) {
    times.push_back(absl::ToDoubleMilliseconds(call.done - call.due));
  }
  return Quantile(times, 0.99);
}

absl::Status Measure() {
  const char* given = std::getenv("LIMBECK_STORM_SECONDS");
  const double seconds = given == nullptr ? kStormSeconds : std::strtod(given, nullptr);
  const auto calls = static_cast<size_t>(seconds * kPerSecond);
  testing::FakeTeacherOptions calm;
  calm.script.latency = absl::Milliseconds(20);
  LIMBECK_ASSIGN_OR_RETURN(const auto victim_server, testing::FakeTeacher::Start(calm));
  testing::FakeTeacherOptions stormy;
  stormy.script.faults = {{.kind = testing::FaultKind::kRateLimited}};
  LIMBECK_ASSIGN_OR_RETURN(const auto storm_server, testing::FakeTeacher::Start(stormy));
  LIMBECK_ASSIGN_OR_RETURN(const auto curl, http::NewCurlTransport({}));
  const LoopTeacher victim = NewLoopTeacher(victim_server->base_url(), curl.get());
  const LoopTeacher storm = NewLoopTeacher(storm_server->base_url(), curl.get());

  LIMBECK_RETURN_IF_ERROR(P99(victim, 0, static_cast<size_t>(kPerSecond)).status());
  LIMBECK_ASSIGN_OR_RETURN(const double quiet, P99(victim, 1'000'000, calls));
  for (size_t i = 0; i < kBacklog; ++i) {
    gateway::Call call;
    call.query = NumberedQuery(i);
    call.done = [](const gateway::CallOutcome&) {};
    LIMBECK_RETURN_IF_ERROR(storm.client->Ask(std::move(call)));
  }
  LIMBECK_ASSIGN_OR_RETURN(const double during, P99(victim, 2'000'000, calls));
  storm.client->Shutdown();
  Figure figure{.name = "storm_isolation", .unit = "of the calm p99", .runs = {during / quiet}};
  figure.limit = kGoal;
  figure.limit_is =
      absl::StrCat("goal: within 10 %; p99 ", during, " ms in a storm of ", seconds, " s with ",
                   storm_server->requests(), " refused requests, ", quiet, " ms without");
  Print(figure);
  return absl::OkStatus();
}

}  // namespace
}  // namespace limbeck::bench

int main() { return limbeck::bench::Main("bench_storm_isolation", limbeck::bench::Measure); }
