#include "cli/signals.h"

#include <gtest/gtest.h>
#include <pthread.h>
#include <unistd.h>

namespace limbeck::cli {
namespace {

TEST(SignalWaiterTest, ReturnsWhatWasSentAndNothingElse) {
  SignalWaiter signals({SIGTERM, SIGCHLD});
  EXPECT_EQ(signals.Wait(absl::ZeroDuration()), std::nullopt);
  kill(getpid(), SIGTERM);
  EXPECT_EQ(signals.Wait(absl::InfiniteDuration()), SIGTERM);
  EXPECT_EQ(signals.Wait(absl::ZeroDuration()), std::nullopt);
}

TEST(SignalWaiterTest, PutsTheFormerMaskBack) {
  { const SignalWaiter signals({SIGUSR1}); }
  sigset_t now;
  pthread_sigmask(SIG_BLOCK, nullptr, &now);
  EXPECT_EQ(sigismember(&now, SIGUSR1), 0);
}

}  // namespace
}  // namespace limbeck::cli
