// The fake teacher as a program.
#include <csignal>
#include <cstdio>
#include <string>
#include <utility>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/flags/usage.h"
#include "base/file.h"
#include "base/status.h"
#include "tests/support/fake_teacher/fake_teacher.h"

ABSL_FLAG(int, port, 0, "Port on 127.0.0.1; 0 picks a free one.");
ABSL_FLAG(std::string, mode, "openai", "Wire shape, by the provider's kind.");
ABSL_FLAG(std::string, invoice, "", "File that gets one JSON line per served request.");
ABSL_FLAG(std::string, script, "", "JSON, or a file with it: latency, labels, faults.");
ABSL_FLAG(double, latency_ms, -1, "Time before each answer; overrides the script's.");
ABSL_FLAG(std::string, static_answer, "", "File whose bytes answer every request at once.");

namespace limbeck::testing {
namespace {

absl::StatusOr<FakeTeacherOptions> ReadOptions() {
  FakeTeacherOptions options;
  options.port = absl::GetFlag(FLAGS_port);
  options.invoice_path = absl::GetFlag(FLAGS_invoice);
  options.kind = absl::GetFlag(FLAGS_mode);
  std::string script = absl::GetFlag(FLAGS_script);
  if (!script.empty() && script[0] != '{') {
    LIMBECK_ASSIGN_OR_RETURN(script, ReadFile(script));
  }
  if (!script.empty()) {
    LIMBECK_ASSIGN_OR_RETURN(options.script, ParseScript(script));
  }
  if (absl::GetFlag(FLAGS_latency_ms) >= 0) {
    options.script.latency = absl::Milliseconds(absl::GetFlag(FLAGS_latency_ms));
  }
  if (const std::string path = absl::GetFlag(FLAGS_static_answer); !path.empty()) {
    LIMBECK_ASSIGN_OR_RETURN(options.static_answer, ReadFile(path));
  }
  return options;
}

int Main() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  // Blocked before the server's thread starts, so that only sigwait sees them.
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  absl::StatusOr<FakeTeacherOptions> options = ReadOptions();
  absl::Status status = options.status();
  std::unique_ptr<FakeTeacher> teacher;
  if (status.ok()) {
    absl::StatusOr<std::unique_ptr<FakeTeacher>> started = FakeTeacher::Start(*std::move(options));
    status = started.status();
    if (started.ok()) teacher = *std::move(started);
  }
  if (!status.ok()) {
    std::fprintf(stderr, "fake_teacher: %s\n", status.ToString().c_str());
    return 1;
  }
  std::printf("listening on %d\n", teacher->port());
  std::fflush(stdout);
  int signal = 0;
  sigwait(&signals, &signal);
  return 0;
}

}  // namespace
}  // namespace limbeck::testing

int main(int argc, char** argv) {
  absl::SetProgramUsageMessage("A teacher for tests: deterministic answers, scripted faults.");
  absl::ParseCommandLine(argc, argv);
  return limbeck::testing::Main();
}
