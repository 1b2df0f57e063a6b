// Keeps programs running: starts them, starts them again when they die, stops them in the end.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "base/backoff.h"
#include "base/clock.h"
#include "cli/child_process.h"

namespace limbeck::cli {

struct SupervisorOptions {
  BackoffPolicy backoff{.initial = absl::Milliseconds(500), .max = absl::Seconds(30)};
  // A program that lived this long counts as healthy: its next death starts the delays afresh.
  absl::Duration healthy_after = absl::Minutes(1);
};

// Single-threaded: every call comes from one thread, which lives as long as the programs should.
class Supervisor {
 public:
  // `clock` outlives the supervisor.
  Supervisor(Clock* clock, SupervisorOptions options) : clock_(clock), options_(options) {}
  // Kills what still runs.
  ~Supervisor();
  Supervisor(const Supervisor&) = delete;
  Supervisor& operator=(const Supervisor&) = delete;

  // Starts the program; `name` is for messages. From now on it is started again when it dies. The
  // error of a first start is the caller's; later ones are logged and retried.
  absl::Status Add(const std::string& name, const ProgramOptions& program);

  // Notices programs that have died (call it after SIGCHLD) and starts those whose delay is over.
  // Returns how long until the next start is due, InfiniteDuration when none is.
  absl::Duration Tend();

  // SIGTERM to all, SIGKILL to those that still live after `grace`. Nothing is started any more.
  void Stop(absl::Duration grace);

  // Process ids of running programs, in the order of Add.
  std::vector<pid_t> RunningForTest() const;

 private:
  struct Child {
    std::string name;
    ProgramOptions program;
    Backoff backoff;
    std::optional<pid_t> pid;
    SteadyTime started;
    SteadyTime next_start;
  };

  void Reap(Child& child);
  absl::Status Start(Child& child);

  Clock* const clock_;
  const SupervisorOptions options_;
  std::vector<Child> children_;
};

}  // namespace limbeck::cli
