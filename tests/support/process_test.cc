#include "tests/support/process.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include "base/file.h"

namespace limbeck::testing {
namespace {

ProcessOptions Shell(const ScopedTempDirectory& dir, const std::string& script) {
  ProcessOptions options;
  options.program = "/bin/sh";
  options.arguments = {"-c", script};
  options.output = dir.path() / "out";
  return options;
}

TEST(ProcessTest, GivesExitStatusAndBothOutputs) {
  const ScopedTempDirectory dir;
  ProcessOptions options = Shell(dir, "echo $GREETING; echo oh >&2; exit 7");
  options.environment = {{"GREETING", "hello"}};
  options.error_output = dir.path() / "err";
  const auto result = RunToEnd(options, absl::Seconds(20));
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->exit_code, 7);
  EXPECT_EQ(result->out, "hello\n");
  EXPECT_EQ(result->err, "oh\n");
}

TEST(ProcessTest, FindsTheLineItWaitsFor) {
  const ScopedTempDirectory dir;
  auto process = Process::Start(Shell(dir, "echo one; echo ready on 17; exec tail -f /dev/null"));
  ASSERT_TRUE(process.ok()) << process.status();
  const auto line = (*process)->WaitForLine("ready on ", absl::Seconds(20));
  ASSERT_TRUE(line.ok()) << line.status();
  EXPECT_EQ(*line, "17");
  (*process)->Signal(SIGKILL);
}

TEST(ProcessTest, SaysWhatADeadProcessWroteInsteadOfTheLine) {
  const ScopedTempDirectory dir;
  auto process = Process::Start(Shell(dir, "echo no such table; exit 3"));
  ASSERT_TRUE(process.ok()) << process.status();
  const auto line = (*process)->WaitForLine("ready", absl::Seconds(20));
  EXPECT_EQ(line.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(line.status().ToString(), ::testing::HasSubstr("no such table"));
  EXPECT_THAT(line.status().ToString(), ::testing::HasSubstr("ended with 3"));
}

TEST(ProcessTest, KillsAreSeenAsExitStatus) {
  const ScopedTempDirectory dir;
  auto process = Process::Start(Shell(dir, "echo up; exec tail -f /dev/null"));
  ASSERT_TRUE(process.ok()) << process.status();
  ASSERT_TRUE((*process)->WaitForLine("up", absl::Seconds(20)).ok());
  EXPECT_GT((*process)->PeakResidentBytes(), 0);
  (*process)->Signal(SIGKILL);
  const auto code = (*process)->Wait(absl::Seconds(20));
  ASSERT_TRUE(code.ok()) << code.status();
  EXPECT_EQ(*code, 128 + SIGKILL);
  EXPECT_FALSE((*process)->Running());
}

TEST(ProcessTest, StopsWhatRunsTooLong) {
  const ScopedTempDirectory dir;
  const auto result = RunToEnd(Shell(dir, "exec tail -f /dev/null"), absl::Milliseconds(50));
  EXPECT_EQ(result.status().code(), absl::StatusCode::kDeadlineExceeded);
}

TEST(ProcessTest, NamesAMissingProgram) {
  const ScopedTempDirectory dir;
  ProcessOptions options = Shell(dir, "");
  options.program = "/no/such/program";
  EXPECT_EQ(Process::Start(options).status().code(), absl::StatusCode::kNotFound);
}

TEST(FreePortTest, GivesEachPortOnce) {
  const auto one = FreePort();
  const auto other = FreePort();
  ASSERT_TRUE(one.ok() && other.ok());
  EXPECT_NE(*one, *other);
}

}  // namespace
}  // namespace limbeck::testing
