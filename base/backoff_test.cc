#include "base/backoff.h"

#include <gtest/gtest.h>

namespace limbeck {
namespace {

TEST(BackoffTest, GrowsToItsMaximumAndStartsAgainAfterReset) {
  BackoffPolicy policy;
  policy.initial = absl::Seconds(1);
  policy.max = absl::Seconds(5);
  policy.jitter = 0;
  Backoff backoff(policy, StableRandom(1, 1));
  for (const int seconds : {1, 2, 4, 5, 5}) EXPECT_EQ(backoff.Next(), absl::Seconds(seconds));
  backoff.Reset();
  EXPECT_EQ(backoff.Next(), absl::Seconds(1));
}

TEST(BackoffTest, JitterStaysInItsPartAndIsReproducible) {
  BackoffPolicy policy;
  policy.initial = policy.max = absl::Seconds(1);
  policy.jitter = 0.25;
  Backoff one(policy, StableRandom(1, 1));
  Backoff same(policy, StableRandom(1, 1));
  absl::Duration least = absl::Seconds(1);
  absl::Duration most;
  for (int i = 0; i < 1000; ++i) {
    const absl::Duration delay = one.Next();
    EXPECT_EQ(delay, same.Next());
    least = std::min(least, delay);
    most = std::max(most, delay);
  }
  EXPECT_GE(least, absl::Milliseconds(750));
  EXPECT_LT(least, absl::Milliseconds(760));
  EXPECT_GT(most, absl::Milliseconds(990));
  EXPECT_LE(most, absl::Seconds(1));
}

TEST(BackoffTest, ManyAttemptsDoNotOverflow) {
  BackoffPolicy policy;
  policy.max = absl::InfiniteDuration();
  Backoff backoff(policy, StableRandom(1, 1));
  for (int i = 0; i < 5000; ++i) EXPECT_GT(backoff.Next(), absl::ZeroDuration());
}

}  // namespace
}  // namespace limbeck
