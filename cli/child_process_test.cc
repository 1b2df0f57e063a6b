#include "cli/child_process.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>

namespace limbeck::cli {
namespace {

absl::StatusOr<int> Shell(const std::string& script) {
  return RunProgram({.path = "/bin/sh", .arguments = {"-c", script}});
}

TEST(ChildProcessTest, GivesBackTheExitStatusOrTheSignal) {
  EXPECT_EQ(*Shell("exit 0"), 0);
  EXPECT_EQ(*Shell("exit 7"), 7);
  EXPECT_EQ(*Shell("kill -9 $$"), 128 + 9);
}

TEST(ChildProcessTest, SaysWhichProgramIsMissing) {
  const auto result = RunProgram({.path = "/nonexistent/program"});
  EXPECT_EQ(result.status().code(), absl::StatusCode::kNotFound);
  EXPECT_NE(result.status().message().find("/nonexistent/program"), absl::string_view::npos);
}

TEST(ChildProcessTest, AddsToTheEnvironmentWithoutOverridingIt) {
  setenv("LIMBECK_CHILD_TEST", "mine", 1);
  const auto result = RunProgram(
      {.path = "/bin/sh",
       .arguments = {"-c", "test \"$LIMBECK_CHILD_TEST\" = mine && test \"$LIMBECK_NEW\" = new"},
       .environment = {{"LIMBECK_CHILD_TEST", "theirs"}, {"LIMBECK_NEW", "new"}}});
  unsetenv("LIMBECK_CHILD_TEST");
  EXPECT_EQ(*result, 0);
}

TEST(ChildProcessTest, StartsWithoutInheritedSignalMask) {
  sigset_t term;
  sigset_t before;
  sigemptyset(&term);
  sigaddset(&term, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &term, &before);
  const auto result = Shell("kill -TERM $$; exit 0");
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  EXPECT_EQ(*result, 128 + SIGTERM);
}

TEST(ChildProcessTest, DiesWithItsParent) {
  // A middle process starts a sleeper, tells its id through the pipe and dies unexpectedly.
  int fds[2];
  ASSERT_EQ(pipe(fds), 0);
  const pid_t middle = fork();
  if (middle == 0) {
    // Not through a shell: what that has started by then would outlive it.
    const auto sleeper = StartProgram({.path = "/bin/sleep", .arguments = {"600"}});
    const pid_t pid = sleeper.ok() ? *sleeper : -1;
    if (write(fds[1], &pid, sizeof(pid)) != sizeof(pid)) _exit(1);
    kill(getpid(), SIGKILL);
  }
  pid_t sleeper = -1;
  ASSERT_EQ(read(fds[0], &sleeper, sizeof(sleeper)), static_cast<ssize_t>(sizeof(sleeper)));
  ASSERT_GT(sleeper, 0);
  waitpid(middle, nullptr, 0);
  // The sleeper holds the write end of the pipe: its end is the pipe's end.
  close(fds[1]);
  char byte = 0;
  EXPECT_EQ(read(fds[0], &byte, 1), 0);
  close(fds[0]);
}

TEST(FindSiblingTest, FindsThisTestAndNamesWhatIsMissing) {
  EXPECT_TRUE(FindSibling("cli_child_process_test").ok());
  EXPECT_EQ(FindSibling("no-such-program").status().code(), absl::StatusCode::kNotFound);
}

}  // namespace
}  // namespace limbeck::cli
