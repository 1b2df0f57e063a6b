#include "gateway/limits/token_bucket.h"

#include <gtest/gtest.h>

namespace limbeck::gateway {
namespace {

SteadyTime At(double seconds) { return {absl::Seconds(seconds)}; }

TEST(TokenBucketTest, RefillsInWholeIntervals) {
  TokenBucket bucket({.per_minute = 60, .burst = 5}, At(0));
  bucket.Take(5, At(0));
  EXPECT_EQ(bucket.balance(At(0.999)), 0);
  EXPECT_EQ(bucket.balance(At(1)), 1);
  EXPECT_EQ(bucket.balance(At(2.5)), 2);
  EXPECT_EQ(bucket.balance(At(100)), 5);
}

TEST(TokenBucketTest, SaysWhenAnAmountIsThere) {
  TokenBucket bucket({.per_minute = 60, .burst = 5}, At(0));
  EXPECT_LE(bucket.WhenAvailable(5, At(0)), At(0));
  bucket.Take(5, At(0));
  EXPECT_EQ(bucket.WhenAvailable(3, At(0.5)), At(3));
  EXPECT_LE(bucket.WhenAvailable(3, At(3)), At(3));
}

TEST(TokenBucketTest, DebtIsRememberedAndPaidOff) {
  TokenBucket bucket({.per_minute = 60, .burst = 5}, At(0));
  bucket.Take(25, At(0));
  EXPECT_EQ(bucket.balance(At(0)), -20);
  EXPECT_EQ(bucket.WhenAvailable(1, At(0)), At(21));
  bucket.Take(-10, At(0));
  EXPECT_EQ(bucket.WhenAvailable(1, At(0)), At(11));
}

TEST(TokenBucketTest, MoreThanTheBurstIsServedFromAFullBucket) {
  TokenBucket bucket({.per_minute = 60, .burst = 5}, At(0));
  EXPECT_LE(bucket.WhenAvailable(50, At(0)), At(0));
  bucket.Take(50, At(0));
  EXPECT_EQ(bucket.WhenAvailable(50, At(0)), At(50));
}

TEST(TokenBucketTest, GivingBackNeverExceedsTheBurst) {
  TokenBucket bucket({.per_minute = 60, .burst = 5}, At(0));
  bucket.Take(-100, At(0));
  EXPECT_EQ(bucket.balance(At(0)), 5);
}

TEST(TokenBucketTest, TighteningOnlyLowers) {
  TokenBucket bucket({.per_minute = 60, .burst = 5}, At(0));
  bucket.Tighten(2, At(0));
  EXPECT_EQ(bucket.balance(At(0)), 2);
  bucket.Tighten(4, At(0));
  EXPECT_EQ(bucket.balance(At(0)), 2);
}

TEST(TokenBucketTest, OnePerMinuteRefillsAfterAMinute) {
  TokenBucket bucket({.per_minute = 1}, At(0));
  bucket.Take(1, At(0));
  EXPECT_EQ(bucket.balance(At(59)), 0);
  // 60 intervals of 16,666 millionths; the rounding costs the pool, never the provider.
  EXPECT_EQ(bucket.balance(At(61)), 1);
}

TEST(TokenBucketTest, HugeAmountsDoNotOverflow) {
  TokenBucket bucket({.per_minute = INT64_MAX, .burst = INT64_MAX}, At(0));
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
