// Programs as child processes of a test or benchmark.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"

namespace limbeck::testing {

struct ProcessOptions {
  // A name in BinaryDirectory(), or a path with a slash.
  std::string program;
  std::vector<std::string> arguments;
  // Added to this process's environment.
  std::map<std::string, std::string> environment;
  // Standard output and error are appended here. Required.
  std::filesystem::path output;
  // Standard error goes here instead, when set.
  std::filesystem::path error_output;
  // Empty: this process's own.
  std::filesystem::path working_directory;
};

// Where the project's programs were built: LIMBECK_BINARY_DIR, else the folder of this program.
std::filesystem::path BinaryDirectory();

// A running child. The child is killed when this object goes, and by the kernel when the thread
// that started it ends, so start children from a thread that lives as long as the test. Not
// thread-safe.
class Process {
 public:
  // NOT_FOUND when there is no such program.
  static absl::StatusOr<std::unique_ptr<Process>> Start(const ProcessOptions& options);
  // Kills and reaps.
  ~Process();
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  pid_t pid() const { return pid_; }
  bool Running();
  // Does nothing to a child that has ended.
  void Signal(int signal);
  // The exit status, or 128 + the signal that ended it. DEADLINE_EXCEEDED: still running.
  absl::StatusOr<int> Wait(absl::Duration timeout);
  // Whether the kernel wrote a core, to wherever it does, when a signal ended the child.
  bool dumped_core() const { return dumped_core_; }
  // The rest of the first whole output line that starts with `prefix`. FAILED_PRECONDITION when the
  // child ends without it; both errors show the end of the output.
  absl::StatusOr<std::string> WaitForLine(std::string_view prefix, absl::Duration timeout);
  // OK once a TCP connection to 127.0.0.1:`port` is accepted; errors as for WaitForLine.
  absl::Status WaitForPort(int port, absl::Duration timeout);
  // What it wrote so far.
  std::string Output() const;
  // Largest resident set so far (VmHWM), bytes; 0 once it has ended.
  int64_t PeakResidentBytes() const;
  // Largest resident set starts again from the current one.
  void ResetPeakResident();

 private:
  Process(pid_t pid, ProcessOptions options) : options_(std::move(options)), pid_(pid) {}
  absl::Status NotReady(std::string_view what);

  const ProcessOptions options_;
  const pid_t pid_;
  bool reaped_ = false;
  int exit_code_ = 0;
  bool dumped_core_ = false;
};

struct RunResult {
  int exit_code = 0;
  std::string out;
  std::string err;
};

// Runs a program to its end; `options.output` and `error_output` name files that are replaced.
// DEADLINE_EXCEEDED (the program is killed) shows what it wrote.
absl::StatusOr<RunResult> RunToEnd(const ProcessOptions& options, absl::Duration timeout);

// A TCP port on 127.0.0.1 that was free a moment ago, for servers that must keep their port over
// restarts. Each call gives another one.
absl::StatusOr<int> FreePort();

// Between two looks at a condition that costs next to nothing, and at one that is a program's run.
inline constexpr absl::Duration kPollPause = absl::Milliseconds(2);
inline constexpr absl::Duration kSlowPollPause = absl::Milliseconds(100);

// Calls `done` again and again until it is true; false at the deadline.
template <typename Condition>
bool PollUntil(absl::Duration timeout, Condition done, absl::Duration pause = kPollPause) {
  const absl::Time deadline = absl::Now() + timeout;
  while (!done()) {
    if (absl::Now() > deadline) return false;
    absl::SleepFor(pause);
  }
  return true;
}

}  // namespace limbeck::testing
