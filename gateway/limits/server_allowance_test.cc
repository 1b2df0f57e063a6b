#include "gateway/limits/server_allowance.h"

#include <gtest/gtest.h>

namespace limbeck::gateway {
namespace {

SteadyTime At(double seconds) { return {absl::Seconds(seconds)}; }

TEST(ServerAllowanceTest, AllowsEverythingUntilTold) {
  const ServerAllowance allowance;
  EXPECT_EQ(allowance.WhenAvailable(INT64_MAX, At(3)), At(3));
  EXPECT_FALSE(allowance.left(At(3)).has_value());
}

TEST(ServerAllowanceTest, HoldsUntilTheReset) {
  ServerAllowance allowance;
  allowance.OnHint(2, At(60), At(0));
  allowance.Take(1);
  EXPECT_EQ(allowance.WhenAvailable(1, At(1)), At(1));
  allowance.Take(1);
  EXPECT_EQ(allowance.WhenAvailable(1, At(1)), At(60));
  EXPECT_EQ(allowance.WhenAvailable(1, At(60)), At(60));
  EXPECT_FALSE(allowance.left(At(60)).has_value());
}

TEST(ServerAllowanceTest, LaterWordsOnlyLowerItBeforeTheReset) {
  ServerAllowance allowance;
  allowance.OnHint(5, At(10), At(0));
  allowance.OnHint(500, At(70), At(1));
  EXPECT_EQ(allowance.left(At(2)), 5);
  allowance.OnHint(3, At(20), At(3));
  EXPECT_EQ(allowance.left(At(15)), 3);
  allowance.OnHint(500, At(90), At(20));
  EXPECT_EQ(allowance.left(At(20)), 500);
}

TEST(ServerAllowanceTest, AResetThatIsPastSaysNothing) {
  ServerAllowance allowance;
  allowance.OnHint(0, At(5), At(5));
  EXPECT_FALSE(allowance.left(At(5)).has_value());
}

}  // namespace
}  // namespace limbeck::gateway
