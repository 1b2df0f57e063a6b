#include "gateway/limits/quota_pool.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

namespace limbeck::gateway {
namespace {

class QuotaPoolTest : public ::testing::Test {
 protected:
  // Seconds until the pool says to ask again.
  double WaitOf(const QuotaPool::Admission& admission) {
    return absl::ToDoubleSeconds(admission.try_at.value() - clock_.Now());
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
  EXPECT_EQ(pool.balance().output, 80);
  pool.Settle(first.lease, CallEnd::kAnswered, {10, 20}, {});
  EXPECT_EQ(pool.balance().output, 80);
}

TEST_F(QuotaPoolTest, UseBeyondTheEstimateBecomesDebt) {
  QuotaPool pool({.output_tokens_per_minute = 600}, &clock_);
  const QuotaPool::Admission first = pool.Admit({10, 100});
  pool.Settle(first.lease, CallEnd::kAnswered, {10, 500}, {});
  EXPECT_EQ(pool.balance().output, -400);
  EXPECT_DOUBLE_EQ(WaitOf(pool.Admit({0, 10})), 41);
}

TEST_F(QuotaPoolTest, WhatWasNotSentComesBackWhatFailedDoesNot) {
  QuotaPool pool({.output_tokens_per_minute = 600}, &clock_);
  pool.Settle(pool.Admit({10, 60}).lease, CallEnd::kNotSent, {}, {});
  EXPECT_EQ(pool.balance().output, 100);
  pool.Settle(pool.Admit({10, 60}).lease, CallEnd::kFailed, {}, {});
  EXPECT_EQ(pool.balance().output, 40);
}

TEST_F(QuotaPoolTest, RetryAfterPausesThePoolAndIsCapped) {
  QuotaPool pool({.max_pause = absl::Seconds(100)}, &clock_);
  QuotaHints hints;
  hints.retry_after = absl::Seconds(7);
  pool.Settle(pool.Admit({}).lease, CallEnd::kRateLimited, {}, hints);
  EXPECT_DOUBLE_EQ(WaitOf(pool.Admit({})), 7);
  clock_.Advance(absl::Seconds(7));
  hints.retry_after = absl::Hours(24);
  pool.Settle(pool.Admit({}).lease, CallEnd::kRateLimited, {}, hints);
  EXPECT_DOUBLE_EQ(WaitOf(pool.Admit({})), 100);
}

TEST_F(QuotaPoolTest, RemainingCountsTightenAndNeverLoosen) {
  QuotaPool pool({.input_tokens_per_minute = 6000}, &clock_);
  QuotaHints hints;
  hints.remaining_input_tokens = 50;
  pool.Settle(pool.Admit({}).lease, CallEnd::kAnswered, {}, hints);
  EXPECT_EQ(pool.balance().input, 50);
  hints.remaining_input_tokens = 5000;
  pool.Settle(pool.Admit({}).lease, CallEnd::kAnswered, {}, hints);
  EXPECT_EQ(pool.balance().input, 50);
  hints.remaining_input_tokens = 0;
  hints.reset_tokens = absl::Seconds(30);
  pool.Settle(pool.Admit({}).lease, CallEnd::kAnswered, {}, hints);
  EXPECT_DOUBLE_EQ(WaitOf(pool.Admit({})), 30);
}

TEST_F(QuotaPoolTest, AFullPoolNamesNoTimeAndTellsListenersOfRoom) {
  QuotaPool pool({.max_concurrent = 1}, &clock_);
  int told = 0;
  const uint64_t listener = pool.AddListener([&told] { ++told; });
  const QuotaPool::Admission first = pool.Admit({});
  const QuotaPool::Admission second = pool.Admit({});
  EXPECT_FALSE(second.admitted);
  EXPECT_FALSE(second.try_at.has_value());
  pool.Settle(first.lease, CallEnd::kAnswered, {}, {});
  EXPECT_EQ(told, 1);
  pool.RemoveListener(listener);
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
  EXPECT_EQ(pool.in_use(), 0u);
}

}  // namespace
}  // namespace limbeck::gateway
