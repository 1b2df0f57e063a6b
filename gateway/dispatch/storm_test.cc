// A provider that refuses everything for minutes: what is sent meanwhile, and what others feel.
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "base/http/fake_transport.h"
#include "gateway/dispatch/teacher_scheduler.h"
#include "gateway/teachers/registry.h"

namespace limbeck::gateway {
namespace {

constexpr const char* kGoodAnswer =
    R"({"choices":[{"finish_reason":"stop","message":{"content":"yes"}}],
        "usage":{"prompt_tokens":5,"completion_tokens":1}})";

// One teacher with a pool of its own, on a clock and a transport that it shares with others.
class Side {
 public:
  Side(const std::string& host, const QuotaPoolOptions& quota, Clock* clock,
       http::Transport* transport)
      : host_(host), clock_(clock), pool_(quota, clock) {
    TeacherConfig config;
    config.name = host;
    config.kind = "openai";
    config.base_url = "http://" + host + "/v1";
    config.model = "m";
    scheduler_ = std::make_unique<TeacherScheduler>(
        config, *FindProvider("openai"), &pool_, transport, clock, DispatchOptions(),
        [](std::function<void()> task) { task(); }, [this] { woken_ = true; }, &registry_);
  }
  ~Side() {
    scheduler_->Shutdown();
    Pump();
  }

  void Ask() {
    Call call;
    call.query.messages = {{Role::kUser, "hello"}};
    call.timeout = absl::Hours(1);
    call.on_ambiguous = [](uint32_t) { return absl::OkStatus(); };
    call.done = [this, asked = clock_->Now()](CallOutcome outcome) {
      ++ended_;
      if (outcome.ok()) delays_.push_back(clock_->Now() - asked);
    };
    EXPECT_TRUE(scheduler_->Ask(std::move(call)).ok());
    ++asked_;
  }
  void Pump() {
    do {
      woken_ = false;
      next_ = scheduler_->Pump();
    } while (woken_);
  }
  void PumpIfDue() {
    if (woken_ || (next_.has_value() && *next_ <= clock_->Now())) Pump();
  }

  // Of calls that were answered, from Ask to the answer.
  const std::vector<absl::Duration>& delays() const { return delays_; }
  size_t asked() const { return asked_; }
  size_t ended() const { return ended_; }
  double first_tries() { return Counter("limbeck_gateway_teacher_first_tries_total"); }
  double retries() { return Counter("limbeck_gateway_teacher_retries_total"); }

 private:
  double Counter(const std::string& name) {
    return registry_.AddCounter(name, "", {{"teacher", host_}}).value();
  }

  const std::string host_;
  Clock* const clock_;
  metrics::Registry registry_;
  QuotaPool pool_;
  bool woken_ = false;
  std::optional<SteadyTime> next_;
  std::vector<absl::Duration> delays_;
  size_t asked_ = 0;
  size_t ended_ = 0;
  std::unique_ptr<TeacherScheduler> scheduler_;
};

// Five minutes of open-loop calls to a healthy teacher whose own limits make them wait, beside
// another whose pool is refused everything, or beside nothing.
std::vector<absl::Duration> DelaysBeside(bool storm, const http::Outcome& refusal) {
  FakeClock clock;
  http::FakeTransport transport([&](const http::Request& request) {
    return request.url.find("//stormy/") != request.url.npos ? refusal
                                                             : http::Answer(200, kGoodAnswer);
  });
  Side stormy("stormy", {}, &clock, &transport);
  Side healthy("healthy", {.requests_per_minute = 300}, &clock, &transport);
  for (int step = 0; step < 30'000; ++step) {
    if (storm && step % 2 == 0 && stormy.asked() < 10'000) stormy.Ask();
    if (step % 18 == 0) healthy.Ask();
    stormy.PumpIfDue();
    healthy.PumpIfDue();
    clock.Advance(absl::Milliseconds(10));
  }
  return healthy.delays();
}

TEST(StormTest, APoolUnderAStormLeavesOthersDelaysUnchanged) {
  const http::Outcome refusal = http::Answer(429, "");
  const std::vector<absl::Duration> calm = DelaysBeside(false, refusal);
  EXPECT_GE(calm.size(), 1400u);
  EXPECT_GT(calm.back(), absl::Seconds(1));  // They do wait, for their own limit.
  EXPECT_EQ(DelaysBeside(true, refusal), calm);
  EXPECT_EQ(DelaysBeside(true, http::Answer(503, "")), calm);
}

// Retry-After absent, short, nonsense, huge and as a date; and 5xx.
TEST(StormTest, RetriesStayUnderATenthOfFirstTries) {
  const std::vector<http::Outcome> refusals = {
      http::Answer(429, ""),
      http::Answer(429, "", {{"retry-after", "1"}}),
      http::Answer(429, "", {{"retry-after", "-5"}}),
      http::Answer(429, "", {{"retry-after", "NaN"}}),
      http::Answer(429, "", {{"retry-after", "1e300"}}),
      http::Answer(429, "", {{"retry-after", "Tue, 14 Nov 2023 22:13:30 GMT"}}),
      http::Answer(503, ""),
      http::Answer(500, ""),
      http::LostAnswer()};
  for (size_t i = 0; i < refusals.size(); ++i) {
    FakeClock clock;
    http::FakeTransport transport([&](const http::Request&) { return refusals[i]; });
    Side side("stormy", {}, &clock, &transport);
    for (int call = 0; call < 5000; ++call) side.Ask();
    for (int step = 0; step < 30'000; ++step) {
      side.PumpIfDue();
      clock.Advance(absl::Milliseconds(10));
    }
    EXPECT_LE(side.retries(), 0.1 * side.first_tries()) << i;
    EXPECT_GE(side.first_tries(), 200) << i;
    EXPECT_LE(side.first_tries(), 700) << i;
  }
}

// What has no budget left waits: nothing of a small job is given up or lost.
TEST(StormTest, ASmallJobOutlivesAnOutageOnTheRetriesGivenInAdvance) {
  constexpr size_t kRows = 20;
  constexpr int kOutageSeconds = 300;
  for (const http::Outcome& refusal :
       {http::Answer(429, ""), http::Answer(503, ""), http::LostAnswer()}) {
    FakeClock clock;
    bool healthy = false;
    http::FakeTransport transport(
        [&](const http::Request&) { return healthy ? http::Answer(200, kGoodAnswer) : refusal; });
    Side side("small", {}, &clock, &transport);
    for (size_t row = 0; row < kRows; ++row) side.Ask();
    const auto run_for = [&](absl::Duration time) {
      for (const SteadyTime end = clock.Now() + time; clock.Now() < end;) {
        side.PumpIfDue();
        clock.Advance(absl::Milliseconds(10));
      }
    };
    run_for(absl::Seconds(kOutageSeconds));
    EXPECT_GE(side.retries(), 10);
    EXPECT_LE(side.retries(), 10 + 0.1 * kOutageSeconds);
    EXPECT_EQ(side.ended(), 0u);
    healthy = true;
    run_for(absl::Minutes(1));
    EXPECT_EQ(side.delays().size(), kRows);
    EXPECT_EQ(side.first_tries(), kRows);
  }
}

}  // namespace
}  // namespace limbeck::gateway
