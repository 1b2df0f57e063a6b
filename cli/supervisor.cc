#include "cli/supervisor.h"

#include <signal.h>
#include <sys/wait.h>

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "base/log.h"
#include "base/status.h"

namespace limbeck::cli {
namespace {

// How often Stop looks whether programs have ended.
constexpr absl::Duration kStopPoll = absl::Milliseconds(20);

std::string HowItEnded(int status) {
  if (WIFSIGNALED(status)) return absl::StrCat("killed by signal ", WTERMSIG(status));
  return absl::StrCat("exit status ", WEXITSTATUS(status));
}

}  // namespace

Supervisor::~Supervisor() { Stop(absl::ZeroDuration()); }

absl::Status Supervisor::Add(const std::string& name, const ProgramOptions& program) {
  Child child{name,         program, Backoff(options_.backoff, StableRandom(1, children_.size())),
              std::nullopt, {},      {}};
  LIMBECK_RETURN_IF_ERROR(Annotate(Start(child), name));
  children_.push_back(std::move(child));
  return absl::OkStatus();
}

absl::Status Supervisor::Start(Child& child) {
  LIMBECK_ASSIGN_OR_RETURN(child.pid, StartProgram(child.program));
  child.started = clock_->Now();
  return absl::OkStatus();
}

void Supervisor::Reap(Child& child) {
  int status = 0;
  if (!child.pid.has_value() || waitpid(*child.pid, &status, WNOHANG) != *child.pid) return;
  const SteadyTime now = clock_->Now();
  if (now - child.started >= options_.healthy_after) child.backoff.Reset();
  const absl::Duration delay = child.backoff.Next();
  child.pid.reset();
  child.next_start = now + delay;
  LIMBECK_LOG(WARNING) << child.name << " ended (" << HowItEnded(status) << "); starting it again"
                       << LogField("delay", delay);
}

absl::Duration Supervisor::Tend() {
  absl::Duration next = absl::InfiniteDuration();
  for (Child& child : children_) {
    Reap(child);
    if (child.pid.has_value()) continue;
    if (clock_->Now() >= child.next_start) {
      const absl::Status status = Start(child);
      if (status.ok()) continue;
      LIMBECK_LOG(ERROR) << child.name << " cannot be started: " << status.message();
      child.next_start = clock_->Now() + child.backoff.Next();
    }
    next = std::min(next, child.next_start - clock_->Now());
  }
  return next;
}

void Supervisor::Stop(absl::Duration grace) {
  const auto signal_all = [&](int signal) {
    for (const Child& child : children_) {
      if (child.pid.has_value()) kill(*child.pid, signal);
    }
  };
  const auto any_alive = [&] {
    bool alive = false;
    for (Child& child : children_) {
      int status = 0;
      if (child.pid.has_value() && waitpid(*child.pid, &status, WNOHANG) != 0) child.pid.reset();
      alive = alive || child.pid.has_value();
    }
    return alive;
  };
  signal_all(SIGTERM);
  const SteadyTime deadline = clock_->Now() + grace;
  while (any_alive() && clock_->Now() < deadline) clock_->SleepFor(kStopPoll);
  signal_all(SIGKILL);
  for (Child& child : children_) {
    if (child.pid.has_value()) waitpid(*child.pid, nullptr, 0);
  }
  children_.clear();
}

std::vector<pid_t> Supervisor::RunningForTest() const {
  std::vector<pid_t> pids;
  for (const Child& child : children_) {
    if (child.pid.has_value()) pids.push_back(*child.pid);
  }
  return pids;
}

}  // namespace limbeck::cli
