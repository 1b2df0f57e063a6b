#include "gateway/limits/shared_quota.h"

#include <gtest/gtest.h>

#include <memory>
#include <random>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/file.h"
#include "base/kv/open.h"
#include "gateway/limits/switched_engine_for_test.h"

namespace limbeck::gateway {
namespace {

// One gateway's side.
struct Gateway {
  Gateway(const QuotaPoolOptions& options, kv::Engine* engine_in, Clock* clock,
          const std::string& name)
      : engine(engine_in),
        pool(options, clock),
        quota(&pool, &engine, clock, {.holder = name, .lease = absl::Seconds(10)}) {}

  // Calls admitted of `count`, each of one input and one output token, and ended at once.
  int Ask(int count) {
    int admitted = 0;
    for (int i = 0; i < count; ++i) {
      const QuotaPool::Admission admission = pool.Admit({1, 1});
      if (!admission.admitted) break;
      ++admitted;
      pool.Settle(admission.lease, CallEnd::kAnswered, {1, 1}, {});
    }
    return admitted;
  }
  // As its thread would.
  int AskAndRefresh(int count) {
    int admitted = 0;
    for (int round = 0; round < 20 && admitted < count; ++round) {
      admitted += Ask(count - admitted);
      EXPECT_TRUE(quota.Refresh().ok());
    }
    return admitted;
  }

  SwitchedEngine engine;
  QuotaPool pool;
  SharedQuota quota;
};

class SharedQuotaTest : public ::testing::TestWithParam<std::string> {
 protected:
  SharedQuotaTest() {
    engine_ = kv::Open({.driver = GetParam(),
                        .path = (directory_.path() / "kv").string(),
                        .tables = SharedQuota::Tables()})
                  .value();
    options_.name = "p";
    options_.shared = true;
    // A burst of 100, and 10 a second.
    options_.limits = {{.kind = QuotaKind::kRequests, .amount = 600}};
    options_.max_concurrent = 16;
  }

  std::unique_ptr<Gateway> Make(const std::string& name) {
    return std::make_unique<Gateway>(options_, engine_.get(), &clock_, name);
  }

  ScopedTempDirectory directory_;
  FakeClock clock_;
  std::unique_ptr<kv::Engine> engine_;
  QuotaPoolOptions options_;
};

// A caller is told when it is worth asking again, and asks no sooner.
TEST_P(SharedQuotaTest, AnIdleGatewaysSlotsComeToOneThatAskedOnce) {
  options_.max_concurrent = 2;
  const auto busy = Make("a");
  EXPECT_FALSE(busy->pool.Admit({1, 1}).admitted);
  EXPECT_TRUE(busy->quota.Refresh().ok());
  const QuotaPool::Admission first = busy->pool.Admit({1, 1});
  const QuotaPool::Admission second = busy->pool.Admit({1, 1});
  ASSERT_TRUE(first.admitted && second.admitted);

  const auto late = Make("b");
  bool told = false;
  late->pool.Join([&told] { told = true; });
  EXPECT_FALSE(late->pool.Admit({1, 1}).admitted);
  bool admitted = false;
  for (int i = 0; i < 200 && !admitted; ++i) {
    clock_.Advance(absl::Milliseconds(100));
    EXPECT_TRUE(late->quota.Refresh().ok());
    if (std::exchange(told, false)) admitted = late->pool.Admit({1, 1}).admitted;
    if (i == 50) {
      busy->pool.Settle(first.lease, CallEnd::kAnswered, {1, 1}, {});
      busy->pool.Settle(second.lease, CallEnd::kAnswered, {1, 1}, {});
    }
    if (i < 60) {
      EXPECT_TRUE(busy->quota.Refresh().ok());
    }
  }
  EXPECT_TRUE(admitted);
}

TEST_P(SharedQuotaTest, NothingIsAdmittedWithoutAGrant) {
  const auto a = Make("a");
  EXPECT_EQ(a->Ask(1), 0);
  ASSERT_TRUE(a->quota.Refresh().ok());
  EXPECT_EQ(a->Ask(1), 1);
}

TEST_P(SharedQuotaTest, TwoGatewaysTogetherHaveOneBurst) {
  const auto a = Make("a");
  const auto b = Make("b");
  int admitted = 0;
  for (int round = 0; round < 50; ++round) {
    admitted += a->AskAndRefresh(7);
    admitted += b->AskAndRefresh(7);
  }
  EXPECT_EQ(admitted, 100);
  clock_.Advance(absl::Seconds(3));
  EXPECT_EQ(a->AskAndRefresh(500) + b->AskAndRefresh(500), 30);
}

TEST_P(SharedQuotaTest, SlotsAreSharedAndHandedOver) {
  options_.limits.clear();
  const auto a = Make("a");
  const auto b = Make("b");
  std::vector<uint64_t> running;
  for (int round = 0; round < 10; ++round) {
    for (QuotaPool::Admission got; (got = a->pool.Admit({})).admitted;) {
      running.push_back(got.lease);
    }
    ASSERT_TRUE(a->quota.Refresh().ok());
  }
  EXPECT_EQ(running.size(), 16u);
  // The other one gets half as calls end, and no sooner.
  EXPECT_EQ(b->Ask(1), 0);
  ASSERT_TRUE(b->quota.Refresh().ok());
  EXPECT_FALSE(b->pool.Admit({}).admitted);
  ASSERT_TRUE(b->quota.Refresh().ok());
  int of_b = 0;
  for (int round = 0; round < 40; ++round) {
    ASSERT_TRUE(a->quota.Refresh().ok());
    if (!running.empty() && running.size() > 8) {
      a->pool.Settle(running.back(), CallEnd::kAnswered, {}, {});
      running.pop_back();
    }
    for (QuotaPool::Admission got; (got = a->pool.Admit({})).admitted;) {
      running.push_back(got.lease);
    }
    ASSERT_TRUE(b->quota.Refresh().ok());
    while (b->pool.Admit({}).admitted) ++of_b;
    ASSERT_LE(running.size() + of_b, 16u);
  }
  EXPECT_EQ(running.size(), 8u);
  EXPECT_EQ(of_b, 8);
}

TEST_P(SharedQuotaTest, WhatADeadGatewayHeldComesBackAfterItsDeadline) {
  auto a = Make("a");
  const auto b = Make("b");
  EXPECT_EQ(a->AskAndRefresh(90), 90);
  QuotaPool::Admission running = a->pool.Admit({});
  EXPECT_TRUE(running.admitted);
  ASSERT_TRUE(a->quota.Refresh().ok());
  a.reset();  // Without a word.
  const int at_once = b->AskAndRefresh(100);
  EXPECT_LT(at_once, 10);
  clock_.Advance(absl::Seconds(10));
  // The hundred of the ten seconds, and no more than a lease on top.
  const int later = b->AskAndRefresh(500);
  EXPECT_EQ(later, 100);
  EXPECT_FALSE(absl::StrContains(**engine_->Get("shared_quotas", "p"), "\"a\""));
}

TEST_P(SharedQuotaTest, AnOrderlyEndGivesEverythingBackAtOnce) {
  const auto a = Make("a");
  const auto b = Make("b");
  EXPECT_EQ(a->AskAndRefresh(40), 40);
  ASSERT_TRUE(a->quota.Release().ok());
  EXPECT_EQ(a->Ask(1), 0);
  EXPECT_EQ(b->AskAndRefresh(500), 60);
}

TEST_P(SharedQuotaTest, WithoutTheEngineNothingIsAdmittedOnceTheLeaseEnds) {
  const auto a = Make("a");
  EXPECT_EQ(a->AskAndRefresh(5), 5);
  a->engine.mode = SwitchedEngine::Mode::kAway;
  EXPECT_EQ(a->quota.Refresh().code(), absl::StatusCode::kUnavailable);
  const int within_the_lease = a->Ask(100);
  EXPECT_LE(within_the_lease, 15);
  clock_.Advance(absl::Seconds(8));
  EXPECT_EQ(a->Ask(1), 0);
  a->engine.mode = SwitchedEngine::Mode::kWorks;
  ASSERT_TRUE(a->quota.Refresh().ok());
  EXPECT_EQ(a->Ask(1), 1);
}

TEST_P(SharedQuotaTest, LostAcknowledgementsCostTokensAndGrantNone) {
  const auto a = Make("a");
  const auto b = Make("b");
  int admitted = 0;
  for (int round = 0; round < 100; ++round) {
    a->engine.mode = round % 3 == 0 ? SwitchedEngine::Mode::kLosesAcknowledgements
                                    : SwitchedEngine::Mode::kWorks;
    admitted += a->Ask(5);
    a->quota.Refresh().IgnoreError();
    admitted += b->AskAndRefresh(3);
  }
  EXPECT_LE(admitted, 100);
  EXPECT_GE(admitted, 20);
}

TEST_P(SharedQuotaTest, APauseIsSharedToo) {
  const auto a = Make("a");
  const auto b = Make("b");
  EXPECT_EQ(a->AskAndRefresh(1), 1);
  EXPECT_EQ(b->AskAndRefresh(1), 1);
  QuotaHints hints;
  hints.retry_after = absl::Seconds(60);
  a->pool.Settle(a->pool.Admit({}).lease, CallEnd::kRateLimited, {}, hints);
  ASSERT_TRUE(a->quota.Refresh().ok());
  ASSERT_TRUE(b->quota.Refresh().ok());
  EXPECT_EQ(b->pool.state().parked_for, absl::Seconds(60));
}

TEST_P(SharedQuotaTest, ClocksThatDifferALittleAddNothing) {
  FakeClock behind(clock_.WallNow() - absl::Seconds(1.5));
  const auto a = Make("a");
  Gateway b(options_, engine_.get(), &behind, "b");
  int admitted = 0;
  for (int round = 0; round < 300; ++round) {
    clock_.Advance(absl::Milliseconds(100));
    behind.Advance(absl::Milliseconds(100));
    admitted += a->AskAndRefresh(20) + b.AskAndRefresh(20);
  }
  EXPECT_LE(admitted, 100 + 10 * 30 + 1);
  EXPECT_GE(admitted, 10 * 30);
}

TEST_P(SharedQuotaTest, AClockFarBehindFailsClosedAndAJumpBackDoesNotStop) {
  const auto a = Make("a");
  EXPECT_EQ(a->AskAndRefresh(3), 3);
  FakeClock behind(clock_.WallNow() - absl::Hours(1));
  Gateway b(options_, engine_.get(), &behind, "b");
  EXPECT_EQ(b.Ask(1), 0);
  EXPECT_EQ(b.quota.Refresh().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(b.Ask(1), 0);
  clock_.JumpWall(-absl::Hours(24 * 365));
  EXPECT_EQ(a->AskAndRefresh(500), 97);
  clock_.Advance(absl::Seconds(1));
  EXPECT_EQ(a->AskAndRefresh(500), 10);
}

TEST_P(SharedQuotaTest, DamageIsReported) {
  kv::WriteBatch batch;
  batch.Put("shared_quotas", "p", "{");
  ASSERT_TRUE(engine_->Write(batch).ok());
  const auto a = Make("a");
  EXPECT_EQ(a->Ask(1), 0);
  EXPECT_EQ(a->quota.Refresh().code(), absl::StatusCode::kDataLoss);
}

// Property: whatever gateways come, go and die, they never send more than the limit and a lease for
// every death.
TEST_P(SharedQuotaTest, TogetherTheyStayWithinTheLimit) {
  for (int seed = 0; seed < 5; ++seed) {
    kv::WriteBatch clean;
    clean.Delete("shared_quotas", "p");
    ASSERT_TRUE(engine_->Write(clean).ok());
    std::mt19937 random(seed);
    std::vector<std::unique_ptr<Gateway>> gateways;
    const SteadyTime start = clock_.Now();
    int admitted = 0;
    int deaths = 0;
    int names = 0;
    for (int step = 0; step < 400; ++step) {
      if (gateways.size() < 3) gateways.push_back(Make(absl::StrCat("g", ++names)));
      const size_t index = random() % gateways.size();
      Gateway& gateway = *gateways[index];
      admitted += gateway.Ask(static_cast<int>(random() % 8));
      if (random() % 3 == 0) clock_.Advance(absl::Milliseconds(random() % 200));
      if (random() % 4 != 0) {
        ASSERT_TRUE(gateway.quota.Refresh().ok());
      }
      if (random() % 100 == 0) {
        gateways.erase(gateways.begin() + static_cast<std::ptrdiff_t>(index));
        ++deaths;
      }
      const double seconds = absl::ToDoubleSeconds(clock_.Now() - start);
      ASSERT_LE(admitted, 100 + 10 * (seconds + 1) + 20 * deaths) << "seed " << seed;
    }
    EXPECT_GE(admitted, 60) << "seed " << seed;
  }
}

INSTANTIATE_TEST_SUITE_P(Engines, SharedQuotaTest, ::testing::Values("memory", "rocksdb"),
                         [](const auto& engine) { return engine.param; });

TEST(SharedQuotaThreadTest, RefreshesAndReleasesAtTheEnd) {
  const auto engine = kv::Open({.driver = "memory", .tables = SharedQuota::Tables()}).value();
  QuotaPool pool({.name = "p", .max_concurrent = 4, .shared = true}, Clock::Real());
  absl::Mutex mu;
  bool woken = false;
  const uint64_t member = pool.Join([&] {
    absl::MutexLock lock(&mu);
    woken = true;
  });
  EXPECT_FALSE(pool.Admit({}).admitted);
  auto thread =
      SharedQuotaThread::Start(std::make_unique<SharedQuota>(&pool, engine.get(), Clock::Real(),
                                                             SharedQuotaOptions{.holder = "a"}),
                               absl::Milliseconds(1), "p");
  {
    absl::MutexLock lock(&mu);
    mu.Await(absl::Condition(&woken));
  }
  const QuotaPool::Admission admission = pool.Admit({});
  EXPECT_TRUE(admission.admitted);
  pool.Settle(admission.lease, CallEnd::kAnswered, {}, {});
  thread.reset();
  EXPECT_FALSE(absl::StrContains(**engine->Get("shared_quotas", "p"), "\"a\""));
  pool.Part(member);
}

}  // namespace
}  // namespace limbeck::gateway
