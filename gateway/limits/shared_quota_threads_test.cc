// One pool over two gateways as they run: threads that ask, threads that refresh, an engine that
// goes away and comes back.
#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "base/file.h"
#include "base/kv/open.h"
#include "gateway/limits/shared_quota.h"
#include "gateway/limits/switched_engine_for_test.h"

namespace limbeck::gateway {
namespace {

constexpr int kAskersPerGateway = 6;
constexpr uint32_t kSlots = 8;
constexpr int64_t kBurst = 100;
constexpr int64_t kPerSecond = 10;
constexpr absl::Duration kLease = absl::Seconds(10);
// What a gateway may hold when it is cut off.
constexpr int64_t kOneLease = 20;

// What all gateways did together.
struct Totals {
  std::atomic<int64_t> admitted{0};
  std::atomic<int64_t> running{0};
  std::atomic<int64_t> most_running{0};
};

class Gateway {
 public:
  Gateway(const QuotaPoolOptions& options, kv::Engine* engine, Clock* clock,
          const std::string& name, Totals* totals)
      : pool_(options, clock), engine_(engine), totals_(totals) {
    SharedQuotaOptions shared{.holder = name, .lease = kLease, .max_conflicts = 1000};
    refresher_ = SharedQuotaThread::Start(
        std::make_unique<SharedQuota>(&pool_, &engine_, clock, shared), absl::Milliseconds(1), "p");
    for (int i = 0; i < kAskersPerGateway; ++i) {
      askers_.emplace_back([this] { Ask(); });
    }
  }
  ~Gateway() {
    stop_ = true;
    for (std::thread& asker : askers_) asker.join();
  }

  SwitchedEngine& engine() { return engine_; }
  // Waits until every asker may have seen what happened before, and the refresher too.
  void AwaitARound() {
    const uint64_t asked = asked_;
    const uint64_t reads = engine_.reads;
    while (asked_ < asked + 100 * kAskersPerGateway || engine_.reads < reads + 3) {
      std::this_thread::yield();
    }
  }

 private:
  void Ask() {
    while (!stop_) {
      ++asked_;
      const QuotaPool::Admission admission = pool_.Admit({1, 1});
      if (!admission.admitted) {
        std::this_thread::yield();
        continue;
      }
      ++totals_->admitted;
      const int64_t running = ++totals_->running;
      int64_t most = totals_->most_running;
      while (running > most && !totals_->most_running.compare_exchange_weak(most, running)) {
      }
      std::this_thread::yield();
      --totals_->running;
      pool_.Settle(admission.lease, CallEnd::kAnswered, {1, 1}, {});
    }
  }

  QuotaPool pool_;
  SwitchedEngine engine_;
  Totals* const totals_;
  std::atomic<bool> stop_{false};
  std::atomic<uint64_t> asked_{0};
  std::unique_ptr<SharedQuotaThread> refresher_;
  std::vector<std::thread> askers_;
};

class SharedQuotaThreadsTest : public ::testing::TestWithParam<std::string> {
 protected:
  SharedQuotaThreadsTest() {
    engine_ = kv::Open({.driver = GetParam(),
                        .path = (directory_.path() / "kv").string(),
                        .tables = SharedQuota::Tables()})
                  .value();
    QuotaPoolOptions options;
    options.name = "p";
    options.shared = true;
    options.limits = {{.kind = QuotaKind::kRequests, .amount = 60 * kPerSecond}};
    options.max_concurrent = kSlots;
    for (const char* name : {"a", "b"}) {
      gateways_.push_back(
          std::make_unique<Gateway>(options, engine_.get(), &clock_, name, &totals_));
    }
  }

  void AwaitARound() {
    for (const auto& gateway : gateways_) gateway->AwaitARound();
  }
  void SetAway(bool away) {
    using Mode = SwitchedEngine::Mode;
    for (const auto& gateway : gateways_) {
      gateway->engine().mode = away ? Mode::kAway : Mode::kWorks;
    }
  }

  ScopedTempDirectory directory_;
  FakeClock clock_;
  std::unique_ptr<kv::Engine> engine_;
  Totals totals_;
  std::vector<std::unique_ptr<Gateway>> gateways_;
};

TEST_P(SharedQuotaThreadsTest, ManyThreadsOfTwoGatewaysStayWithinOneLimit) {
  for (int step = 1; step <= 50; ++step) {
    clock_.Advance(absl::Milliseconds(200));
    AwaitARound();
    ASSERT_LE(totals_.admitted, kBurst + kPerSecond * step / 5);
  }
  // Ten seconds: the burst and most of what came since.
  EXPECT_GE(totals_.admitted, kBurst + kPerSecond * 10 - 2 * kOneLease);
  EXPECT_LE(totals_.most_running, kSlots);
}

TEST_P(SharedQuotaThreadsTest, WithoutTheEngineNothingIsSentAndAfterwardsAllGoesOn) {
  AwaitARound();
  EXPECT_GT(totals_.admitted, 0);
  SetAway(true);
  clock_.Advance(kLease + absl::Seconds(1));
  AwaitARound();
  const int64_t before = totals_.admitted;
  clock_.Advance(absl::Minutes(1));
  AwaitARound();
  EXPECT_EQ(totals_.admitted, before);
  SetAway(false);
  while (totals_.admitted == before) AwaitARound();
  for (int step = 0; step < 10; ++step) AwaitARound();
  // A full bucket again, and no more than that for all the time without.
  EXPECT_LE(totals_.admitted, before + kBurst);
  EXPECT_LE(before, kBurst + 2 * kOneLease);
  EXPECT_LE(totals_.most_running, kSlots);
}

INSTANTIATE_TEST_SUITE_P(Engines, SharedQuotaThreadsTest, ::testing::Values("memory", "rocksdb"),
                         [](const auto& engine) { return engine.param; });

}  // namespace
}  // namespace limbeck::gateway
