#include "gateway/dispatch/circuit_breaker.h"

#include <gtest/gtest.h>

namespace limbeck::gateway {
namespace {

SteadyTime At(double seconds) { return {absl::Seconds(seconds)}; }

class CircuitBreakerTest : public ::testing::Test {
 protected:
  CircuitBreaker breaker_{{.failures_to_open = 3, .open_for = absl::Seconds(10)}};
};

TEST_F(CircuitBreakerTest, OpensAfterFailuresInARow) {
  breaker_.OnFailure(At(0));
  breaker_.OnFailure(At(0));
  breaker_.OnSuccess();
  breaker_.OnFailure(At(0));
  breaker_.OnFailure(At(0));
  EXPECT_TRUE(breaker_.MayStart(At(0)));
  breaker_.OnFailure(At(1));
  EXPECT_FALSE(breaker_.MayStart(At(1)));
  EXPECT_EQ(breaker_.RetryAt(), At(11));
}

TEST_F(CircuitBreakerTest, LetsOneProbeThroughAndClosesOnItsSuccess) {
  for (int i = 0; i < 3; ++i) breaker_.OnFailure(At(0));
  EXPECT_TRUE(breaker_.MayStart(At(10)));
  breaker_.Start();
  EXPECT_FALSE(breaker_.MayStart(At(10)));
  EXPECT_FALSE(breaker_.RetryAt().has_value());
  breaker_.OnSuccess();
  EXPECT_TRUE(breaker_.MayStart(At(10)));
  EXPECT_FALSE(breaker_.open());
}

TEST_F(CircuitBreakerTest, AFailedProbeOpensAnew) {
  for (int i = 0; i < 3; ++i) breaker_.OnFailure(At(0));
  breaker_.Start();
  breaker_.OnFailure(At(12));
  EXPECT_FALSE(breaker_.MayStart(At(21)));
  EXPECT_TRUE(breaker_.MayStart(At(22)));
}

}  // namespace
}  // namespace limbeck::gateway
