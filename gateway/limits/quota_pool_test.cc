#include "gateway/limits/quota_pool.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

#include "absl/strings/match.h"

namespace limbeck::gateway {
namespace {

class QuotaPoolTest : public ::testing::Test {
 protected:
  // Seconds until the pool says to ask again.
  double WaitOf(const QuotaPool::Admission& admission) {
    return absl::ToDoubleSeconds(admission.try_at.value() - clock_.Now());
  }

  // Of the only limit.
  static int64_t Left(const QuotaPool& pool) { return pool.state().balances.at(0).left; }
  // One call that ends so.
  static void CallEnding(QuotaPool* pool, CallEnd end, const QuotaHints& hints = {}) {
    const QuotaPool::Admission admission = pool->Admit({1, 1});
    ASSERT_TRUE(admission.admitted);
    pool->Settle(admission.lease, end, {1, 1}, hints);
  }

  FakeClock clock_;
};

TEST_F(QuotaPoolTest, AdmitsUntilTheRequestsAreUsed) {
  QuotaPool pool({.requests_per_minute = 60}, &clock_);  // Burst of 10.
  for (int i = 0; i < 10; ++i) EXPECT_TRUE(pool.Admit({}).admitted);
  const QuotaPool::Admission refused = pool.Admit({});
  EXPECT_FALSE(refused.admitted);
  EXPECT_DOUBLE_EQ(WaitOf(refused), 1);
  clock_.Advance(absl::Seconds(1));
  EXPECT_TRUE(pool.Admit({}).admitted);
}

TEST_F(QuotaPoolTest, ARefusalReservesNothing) {
  QuotaPool pool({.requests_per_minute = 60, .output_tokens_per_minute = 600}, &clock_);
  EXPECT_TRUE(pool.Admit({10, 100}).admitted);
  for (int i = 0; i < 20; ++i) EXPECT_FALSE(pool.Admit({10, 100}).admitted);
  clock_.Advance(absl::Seconds(10));
  EXPECT_TRUE(pool.Admit({10, 100}).admitted);
}

TEST_F(QuotaPoolTest, SettlingReturnsWhatWasNotUsed) {
  QuotaPool pool({.output_tokens_per_minute = 600}, &clock_);
  const QuotaPool::Admission first = pool.Admit({10, 100});
  pool.Settle(first.lease, CallEnd::kAnswered, {10, 20}, {});
  EXPECT_EQ(Left(pool), 80);
  pool.Settle(first.lease, CallEnd::kAnswered, {10, 20}, {});
  EXPECT_EQ(Left(pool), 80);
}

TEST_F(QuotaPoolTest, UseBeyondTheEstimateBecomesDebt) {
  QuotaPool pool({.output_tokens_per_minute = 600}, &clock_);
  const QuotaPool::Admission first = pool.Admit({10, 100});
  pool.Settle(first.lease, CallEnd::kAnswered, {10, 500}, {});
  EXPECT_EQ(Left(pool), -400);
  EXPECT_DOUBLE_EQ(WaitOf(pool.Admit({0, 10})), 41);
}

TEST_F(QuotaPoolTest, WhatWasNotSentComesBackWhatFailedDoesNot) {
  QuotaPool pool({.output_tokens_per_minute = 600}, &clock_);
  pool.Settle(pool.Admit({10, 60}).lease, CallEnd::kNotSent, {}, {});
  EXPECT_EQ(Left(pool), 100);
  pool.Settle(pool.Admit({10, 60}).lease, CallEnd::kFailed, {}, {});
  EXPECT_EQ(Left(pool), 40);
}

TEST_F(QuotaPoolTest, WindowsOfASecondAMinuteAndADayHoldTogether) {
  QuotaPool pool(
      {.limits = {{.kind = QuotaKind::kRequests, .window = absl::Seconds(1), .amount = 50},
                  {.kind = QuotaKind::kTotalTokens, .amount = 60'000, .burst = 10'000},
                  {.kind = QuotaKind::kRequests,
                   .window = absl::Hours(24),
                   .amount = 20,
                   .fixed_window = true}}},
      &clock_);
  int admitted = 0;
  for (int i = 0; i < 20; ++i) admitted += pool.Admit({100, 100}).admitted;
  EXPECT_EQ(admitted, 8);  // A sixth of 50.
  clock_.Advance(absl::Seconds(1));
  EXPECT_TRUE(pool.Admit({5000, 4000}).admitted);
  EXPECT_FALSE(pool.Admit({500, 400}).admitted);
  clock_.Advance(absl::Seconds(60));
  for (int i = 0; i < 50; ++i) {
    admitted += pool.Admit({1, 1}).admitted;
    clock_.Advance(absl::Seconds(1));
  }
  EXPECT_EQ(admitted, 19);
  EXPECT_NEAR(WaitOf(pool.Admit({1, 1})), 86'400 - 111, 1);
}

TEST_F(QuotaPoolTest, RetryAfterPausesThePoolAndIsCapped) {
  QuotaPool pool({.max_pause = absl::Seconds(100)}, &clock_);
  QuotaHints hints;
  hints.retry_after = absl::Seconds(7);
  CallEnding(&pool, CallEnd::kRateLimited, hints);
  EXPECT_DOUBLE_EQ(WaitOf(pool.Admit({})), 7);
  clock_.Advance(absl::Seconds(7));
  hints.retry_after = absl::Hours(24);
  CallEnding(&pool, CallEnd::kRateLimited, hints);
  EXPECT_DOUBLE_EQ(WaitOf(pool.Admit({})), 100);
}

TEST_F(QuotaPoolTest, Case04AWaitOfADayParksThePoolAndIsShown) {
  metrics::Registry registry;
  QuotaPool pool({.name = "p"}, &clock_, &registry);
  QuotaHints hints;
  hints.retry_after = absl::Seconds(86'400);
  CallEnding(&pool, CallEnd::kRateLimited, hints);
  EXPECT_EQ(pool.state().parked_for, absl::Hours(24));
  EXPECT_EQ(pool.state().rate_limited, 1u);
  EXPECT_TRUE(absl::StrContains(
      registry.Expose(), "limbeck_gateway_pool_parked_until_seconds{pool=\"p\"} 1700086400"));
  clock_.Advance(absl::Hours(24));
  EXPECT_EQ(pool.state().parked_for, absl::ZeroDuration());
  CallEnding(&pool, CallEnd::kAnswered);
}

TEST_F(QuotaPoolTest, WithoutAHintPausesDoubleUntilAnAnswerComes) {
  QuotaPool pool({}, &clock_);
  for (const double wait : {2, 4, 8, 16, 32, 60, 60}) {
    CallEnding(&pool, CallEnd::kRateLimited);
    EXPECT_DOUBLE_EQ(WaitOf(pool.Admit({})), wait);
    clock_.Advance(absl::Seconds(wait));
  }
  CallEnding(&pool, CallEnd::kAnswered);
  CallEnding(&pool, CallEnd::kRateLimited);
  EXPECT_DOUBLE_EQ(WaitOf(pool.Admit({})), 2);
}

TEST_F(QuotaPoolTest, AHintThatProvesTooShortIsLengthened) {
  QuotaPool pool({}, &clock_);
  QuotaHints hints;
  hints.retry_after = absl::Seconds(1);
  for (const double wait : {1, 4, 8}) {
    CallEnding(&pool, CallEnd::kRateLimited, hints);
    EXPECT_DOUBLE_EQ(WaitOf(pool.Admit({})), wait);
    clock_.Advance(absl::Seconds(wait));
  }
}

TEST_F(QuotaPoolTest, InAStormOneCallAtATimeFindsOut) {
  QuotaPool pool({.max_concurrent = 100}, &clock_);
  for (int i = 0; i < 2; ++i) {
    CallEnding(&pool, CallEnd::kRateLimited);
    clock_.Advance(absl::Seconds(4));
  }
  EXPECT_TRUE(pool.state().storm);
  const QuotaPool::Admission probe = pool.Admit({});
  EXPECT_TRUE(probe.admitted);
  EXPECT_FALSE(pool.Admit({}).admitted);
  pool.Settle(probe.lease, CallEnd::kAnswered, {}, {});
  EXPECT_FALSE(pool.state().storm);
  EXPECT_TRUE(pool.Admit({}).admitted);
  EXPECT_TRUE(pool.Admit({}).admitted);
}

TEST_F(QuotaPoolTest, RemainingCountsHoldUntilTheirReset) {
  QuotaPool pool({.requests_per_minute = 6000}, &clock_);
  QuotaHints hints;
  hints.remaining_requests = 2;
  hints.reset_requests = absl::Seconds(30);
  CallEnding(&pool, CallEnd::kAnswered, hints);
  hints.remaining_requests = 5000;
  CallEnding(&pool, CallEnd::kAnswered, hints);
  CallEnding(&pool, CallEnd::kAnswered);
  EXPECT_DOUBLE_EQ(WaitOf(pool.Admit({})), 30);
  clock_.Advance(absl::Seconds(30));
  CallEnding(&pool, CallEnd::kAnswered);
}

TEST_F(QuotaPoolTest, HintsNeverLoosenWhatIsConfigured) {
  QuotaPool pool({.requests_per_minute = 6}, &clock_);
  QuotaHints hints;
  hints.remaining_requests = 1'000'000;
  hints.reset_requests = absl::Seconds(1);
  hints.retry_after = absl::ZeroDuration();
  CallEnding(&pool, CallEnd::kAnswered, hints);
  EXPECT_FALSE(pool.Admit({}).admitted);
}

TEST_F(QuotaPoolTest, WhatTheProviderHadNotSeenIsTakenOffItsCount) {
  QuotaPool pool({}, &clock_);
  const QuotaPool::Admission first = pool.Admit({});
  for (int i = 0; i < 3; ++i) pool.Admit({});
  QuotaHints hints;
  hints.remaining_requests = 4;
  hints.reset_requests = absl::Seconds(60);
  pool.Settle(first.lease, CallEnd::kAnswered, {}, hints);
  EXPECT_TRUE(pool.Admit({}).admitted);
  EXPECT_FALSE(pool.Admit({}).admitted);
}

TEST_F(QuotaPoolTest, EachKindOfTokensHasItsOwnReset) {
  QuotaPool pool({}, &clock_);
  QuotaHints hints;
  hints.remaining_output_tokens = 50;
  hints.reset_output_tokens = absl::Seconds(20);
  hints.remaining_total_tokens = 70;
  hints.reset_tokens = absl::Seconds(40);
  CallEnding(&pool, CallEnd::kAnswered, hints);
  EXPECT_DOUBLE_EQ(WaitOf(pool.Admit({5, 51})), 20);
  EXPECT_DOUBLE_EQ(WaitOf(pool.Admit({71, 0})), 40);
  EXPECT_TRUE(pool.Admit({20, 50}).admitted);
}

TEST_F(QuotaPoolTest, SpareRoomIsGivenOnlyWhereThereIsPlenty) {
  QuotaPool pool({.requests_per_minute = 600, .max_concurrent = 4}, &clock_);
  EXPECT_TRUE(pool.AdmitSpare({}).admitted);
  EXPECT_TRUE(pool.Admit({}).admitted);
  EXPECT_FALSE(pool.AdmitSpare({}).admitted);  // Half of the slots are in use.
  QuotaPool limited({.requests_per_minute = 60}, &clock_);
  for (int i = 0; i < 5; ++i) EXPECT_TRUE(limited.AdmitSpare({}).admitted);
  EXPECT_FALSE(limited.AdmitSpare({}).admitted);  // Half of the burst is left.
  QuotaPool stormy({}, &clock_);
  CallEnding(&stormy, CallEnd::kRateLimited);
  clock_.Advance(absl::Seconds(10));
  CallEnding(&stormy, CallEnd::kAnswered);
  EXPECT_FALSE(stormy.AdmitSpare({}).admitted);
  clock_.Advance(absl::Seconds(50));
  EXPECT_TRUE(stormy.AdmitSpare({}).admitted);
}

TEST_F(QuotaPoolTest, AMemberThatIsAheadLetsAnotherGoFirst) {
  QuotaPool pool({.max_concurrent = 1}, &clock_);
  int woken_a = 0;
  int woken_b = 0;
  const uint64_t a = pool.Join([&] { ++woken_a; });
  const uint64_t b = pool.Join([&] { ++woken_b; });
  const QuotaPool::Admission running = pool.Admit({}, {a, 0, 1});
  EXPECT_FALSE(pool.Admit({}, {b, 1, 1}).admitted);
  pool.Settle(running.lease, CallEnd::kAnswered, {}, {});
  EXPECT_EQ(woken_a, 1);
  EXPECT_EQ(woken_b, 1);
  EXPECT_FALSE(pool.Admit({}, {a, 100, 1}).admitted);
  EXPECT_EQ(woken_b, 2);
  const QuotaPool::Admission next = pool.Admit({}, {b, 1, 1});
  EXPECT_TRUE(next.admitted);
  EXPECT_EQ(woken_a, 2);
  pool.Settle(next.lease, CallEnd::kAnswered, {}, {});
  // One that has nothing to ask any more holds nobody up.
  const QuotaPool::Admission other = pool.Admit({});
  EXPECT_FALSE(pool.Admit({}, {b, 2, 1}).admitted);
  pool.Settle(other.lease, CallEnd::kAnswered, {}, {});
  EXPECT_FALSE(pool.Admit({}, {a, 100, 1}).admitted);
  pool.Leave(b);
  EXPECT_TRUE(pool.Admit({}, {a, 100, 1}).admitted);
  pool.Part(b);
  pool.Part(a);
}

TEST_F(QuotaPoolTest, AFullPoolNamesNoTimeAndTellsListenersOfRoom) {
  QuotaPool pool({.max_concurrent = 1}, &clock_);
  int told = 0;
  const uint64_t listener = pool.Join([&told] { ++told; });
  const QuotaPool::Admission first = pool.Admit({});
  const QuotaPool::Admission second = pool.Admit({});
  EXPECT_FALSE(second.admitted);
  EXPECT_FALSE(second.try_at.has_value());
  pool.Settle(first.lease, CallEnd::kAnswered, {}, {});
  EXPECT_EQ(told, 1);
  pool.Part(listener);
  pool.Settle(pool.Admit({}).lease, CallEnd::kAnswered, {}, {});
  EXPECT_EQ(told, 1);
}

TEST_F(QuotaPoolTest, ConcurrentUseNeverPassesTheLimits) {
  QuotaPool pool({.requests_per_minute = 60'000, .max_concurrent = 8}, &clock_);
  std::atomic<int> running{0};
  std::atomic<int> most{0};
  std::atomic<int> admitted{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 5000; ++i) {
        const QuotaPool::Admission admission = pool.Admit({1, 1});
        if (!admission.admitted) continue;
        admitted.fetch_add(1);
        const int now = running.fetch_add(1) + 1;
        int seen = most.load();
        while (now > seen && !most.compare_exchange_weak(seen, now)) {
        }
        running.fetch_sub(1);
        pool.Settle(admission.lease, CallEnd::kAnswered, {1, 1}, {});
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_LE(most.load(), 8);
  EXPECT_EQ(admitted.load(), 10'000);  // The burst of ten seconds, time standing still.
  EXPECT_EQ(pool.state().in_use, 0u);
}

}  // namespace
}  // namespace limbeck::gateway
