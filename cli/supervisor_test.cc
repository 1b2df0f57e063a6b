#include "cli/supervisor.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>

#include "base/file.h"

namespace limbeck::cli {
namespace {

ProgramOptions Shell(const std::string& script) {
  return {.path = "/bin/sh", .arguments = {"-c", script}};
}

// Blocks until the program has ended, without reaping it.
void AwaitEnd(pid_t pid) {
  siginfo_t info;
  ASSERT_EQ(waitid(P_PID, pid, &info, WEXITED | WNOWAIT), 0);
}

TEST(SupervisorTest, StartsADeadProgramAgainOnceItsDelayIsOver) {
  FakeClock clock;
  Supervisor supervisor(&clock, {.backoff = {.initial = absl::Seconds(1), .jitter = 0}});
  ASSERT_TRUE(supervisor.Add("sleeper", Shell("exec sleep 600")).ok());
  const pid_t first = supervisor.RunningForTest().at(0);
  kill(first, SIGKILL);
  AwaitEnd(first);
  EXPECT_EQ(supervisor.Tend(), absl::Seconds(1));
  EXPECT_TRUE(supervisor.RunningForTest().empty());
  clock.Advance(absl::Seconds(1));
  EXPECT_EQ(supervisor.Tend(), absl::InfiniteDuration());
  ASSERT_EQ(supervisor.RunningForTest().size(), 1u);
  EXPECT_NE(supervisor.RunningForTest()[0], first);
}

TEST(SupervisorTest, WaitsLongerEachTimeUntilAProgramLivesLongEnough) {
  FakeClock clock;
  Supervisor supervisor(&clock, {.backoff = {.initial = absl::Seconds(1), .jitter = 0},
                                 .healthy_after = absl::Minutes(1)});
  ASSERT_TRUE(supervisor.Add("sleeper", Shell("exec sleep 600")).ok());
  for (const int seconds : {1, 2, 4}) {
    const pid_t pid = supervisor.RunningForTest().at(0);
    kill(pid, SIGKILL);
    AwaitEnd(pid);
    EXPECT_EQ(supervisor.Tend(), absl::Seconds(seconds));
    clock.Advance(absl::Seconds(seconds));
    supervisor.Tend();
  }
  clock.Advance(absl::Minutes(1));
  const pid_t pid = supervisor.RunningForTest().at(0);
  kill(pid, SIGKILL);
  AwaitEnd(pid);
  EXPECT_EQ(supervisor.Tend(), absl::Seconds(1));
}

TEST(SupervisorTest, ReportsAProgramThatIsNotThere) {
  FakeClock clock;
  Supervisor supervisor(&clock, {});
  EXPECT_EQ(supervisor.Add("missing", {.path = "/nonexistent"}).code(),
            absl::StatusCode::kNotFound);
}

TEST(SupervisorTest, StopLetsProgramsEndByThemselves) {
  const ScopedTempDirectory temp;
  const auto ready = (temp.path() / "ready").string();
  const auto ended = (temp.path() / "ended").string();
  Supervisor supervisor(Clock::Real(), {});
  ASSERT_TRUE(supervisor
                  .Add("polite", Shell("trap 'touch " + ended + "; exit 0' TERM; mkfifo " + ready +
                                       "; read line < " + ready + "; exit 1"))
                  .ok());
  // The program has set its trap once it has made the pipe.
  while (!std::filesystem::exists(ready)) Clock::Real()->SleepFor(absl::Milliseconds(1));
  supervisor.Stop(absl::Seconds(30));
  EXPECT_TRUE(std::filesystem::exists(ended));
  EXPECT_TRUE(supervisor.RunningForTest().empty());
}

TEST(SupervisorTest, StopKillsWhatDoesNotEnd) {
  const ScopedTempDirectory temp;
  const auto ready = (temp.path() / "ready").string();
  Supervisor supervisor(Clock::Real(), {});
  ASSERT_TRUE(
      supervisor.Add("stubborn", Shell("trap '' TERM; touch " + ready + "; exec sleep 600")).ok());
  while (!std::filesystem::exists(ready)) Clock::Real()->SleepFor(absl::Milliseconds(1));
  const pid_t pid = supervisor.RunningForTest().at(0);
  supervisor.Stop(absl::Milliseconds(50));
  EXPECT_EQ(kill(pid, 0), -1);
}

}  // namespace
}  // namespace limbeck::cli
