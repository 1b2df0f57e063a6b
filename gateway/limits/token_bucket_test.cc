#include "gateway/limits/token_bucket.h"

#include <gtest/gtest.h>

namespace limbeck::gateway {
namespace {

SteadyTime At(double seconds) { return {absl::Seconds(seconds)}; }

TEST(TokenBucketTest, RefillsInWholeIntervals) {
  TokenBucket bucket({.amount = 60, .burst = 5}, At(0));
  bucket.Take(5, At(0));
  EXPECT_EQ(bucket.balance(At(0.999)), 0);
  EXPECT_EQ(bucket.balance(At(1)), 1);
  EXPECT_EQ(bucket.balance(At(2.5)), 2);
  EXPECT_EQ(bucket.balance(At(100)), 5);
}

TEST(TokenBucketTest, SaysWhenAnAmountIsThere) {
  TokenBucket bucket({.amount = 60, .burst = 5}, At(0));
  EXPECT_LE(bucket.WhenAvailable(5, At(0)), At(0));
  bucket.Take(5, At(0));
  EXPECT_EQ(bucket.WhenAvailable(3, At(0.5)), At(3));
  EXPECT_LE(bucket.WhenAvailable(3, At(3)), At(3));
}

TEST(TokenBucketTest, DebtIsRememberedAndPaidOff) {
  TokenBucket bucket({.amount = 60, .burst = 5}, At(0));
  bucket.Take(25, At(0));
  EXPECT_EQ(bucket.balance(At(0)), -20);
  EXPECT_EQ(bucket.WhenAvailable(1, At(0)), At(21));
  bucket.Take(-10, At(0));
  EXPECT_EQ(bucket.WhenAvailable(1, At(0)), At(11));
}

TEST(TokenBucketTest, MoreThanTheBurstIsServedFromAFullBucket) {
  TokenBucket bucket({.amount = 60, .burst = 5}, At(0));
  EXPECT_LE(bucket.WhenAvailable(50, At(0)), At(0));
  bucket.Take(50, At(0));
  EXPECT_EQ(bucket.WhenAvailable(50, At(0)), At(50));
}

TEST(TokenBucketTest, GivingBackNeverExceedsTheBurst) {
  TokenBucket bucket({.amount = 60, .burst = 5}, At(0));
  bucket.Take(-100, At(0));
  EXPECT_EQ(bucket.balance(At(0)), 5);
}

TEST(TokenBucketTest, FixedWindowsRefillAtTheirEndOnly) {
  TokenBucket bucket({.amount = 100, .fixed_window = true}, At(0));
  // The window begins with the first use, not with the bucket.
  bucket.Take(70, At(20));
  EXPECT_EQ(bucket.balance(At(79)), 30);
  EXPECT_EQ(bucket.WhenAvailable(50, At(79)), At(80));
  EXPECT_EQ(bucket.balance(At(80)), 100);
  bucket.Take(150, At(80));
  EXPECT_EQ(bucket.balance(At(140)), 50);
}

TEST(TokenBucketTest, SecondsAndDaysAreWindowsToo) {
  TokenBucket second({.amount = 50, .window = absl::Seconds(1)}, At(0));
  EXPECT_EQ(second.balance(At(0)), 8);
  second.Take(8, At(0));
  EXPECT_EQ(second.balance(At(0.059)), 2);
  EXPECT_EQ(second.balance(At(0.061)), 3);
  TokenBucket day({.amount = 86'400, .window = absl::Hours(24), .burst = 1000}, At(0));
  day.Take(1000, At(0));
  EXPECT_EQ(day.balance(At(60)), 60);
}

TEST(TokenBucketTest, OnePerMinuteRefillsAfterAMinute) {
  TokenBucket bucket({.amount = 1}, At(0));
  bucket.Take(1, At(0));
  EXPECT_EQ(bucket.balance(At(59)), 0);
  // 60 intervals of 16,666 millionths; the rounding costs the pool, never the provider.
  EXPECT_EQ(bucket.balance(At(61)), 1);
}

TEST(TokenBucketTest, HugeAmountsDoNotOverflow) {
  TokenBucket bucket({.amount = INT64_MAX, .burst = INT64_MAX}, At(0));
  bucket.Take(INT64_MAX, At(0));
  bucket.Take(INT64_MAX, At(1));
  bucket.Take(INT64_MIN + 1, At(2));
  EXPECT_LE(bucket.WhenAvailable(1, At(1e6)), At(1e6));
}

TEST(TokenBucketTest, ZeroMeansUnlimited) {
  TokenBucket bucket({}, At(0));
  bucket.Take(1'000'000, At(0));
  EXPECT_LE(bucket.WhenAvailable(1'000'000, At(0)), At(0));
}

}  // namespace
}  // namespace limbeck::gateway
