#include "tests/support/process.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <set>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/time/clock.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/status.h"

namespace limbeck::testing {
namespace {

constexpr size_t kShownOutput = 4000;

std::string Tail(const std::string& text) {
  return text.size() <= kShownOutput ? text : "…" + text.substr(text.size() - kShownOutput);
}

std::string ReadOrEmpty(const std::filesystem::path& path) {
  absl::StatusOr<std::string> text = ReadFile(path);
  return text.ok() ? *std::move(text) : std::string();
}

sockaddr_in Loopback(int port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<uint16_t>(port));
  return address;
}

// What the child does between fork and exec: async-signal-safe calls only.
[[noreturn]] void BecomeProgram(const ProcessOptions& options, pid_t parent, const char* program,
                                char* const* arguments, char* const* environment) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) ::_exit(126);  // The parent died before the line above.
  sigset_t none;
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  const auto redirect = [](const char* path, int flags, int target) {
    const int fd = ::open(path, flags, 0600);
    if (fd < 0 || ::dup2(fd, target) < 0) ::_exit(126);
  };
  redirect("/dev/null", O_RDONLY, STDIN_FILENO);
  redirect(options.output.c_str(), O_WRONLY | O_CREAT | O_APPEND, STDOUT_FILENO);
  const auto& error_output = options.error_output.empty() ? options.output : options.error_output;
  redirect(error_output.c_str(), O_WRONLY | O_CREAT | O_APPEND, STDERR_FILENO);
  if (!options.working_directory.empty() && ::chdir(options.working_directory.c_str()) != 0) {
    ::_exit(126);
  }
  ::execve(program, arguments, environment);
  ::_exit(127);
}

std::vector<std::string> Environment(const std::map<std::string, std::string>& added) {
  std::vector<std::string> variables;
  for (char** variable = environ; *variable != nullptr; ++variable) {
    const std::string_view text(*variable);
    if (added.find(std::string(text.substr(0, text.find('=')))) == added.end()) {
      variables.emplace_back(text);
    }
  }
  for (const auto& [name, value] : added) variables.push_back(absl::StrCat(name, "=", value));
  return variables;
}

std::vector<char*> Pointers(std::vector<std::string>& strings) {
  std::vector<char*> pointers;
  for (std::string& one : strings) pointers.push_back(one.data());
  pointers.push_back(nullptr);
  return pointers;
}

}  // namespace

std::filesystem::path BinaryDirectory() {
  if (const char* folder = std::getenv("LIMBECK_BINARY_DIR")) return folder;
  return std::filesystem::read_symlink("/proc/self/exe").parent_path();
}

absl::StatusOr<std::unique_ptr<Process>> Process::Start(const ProcessOptions& options) {
  const std::string program = options.program.find('/') == std::string::npos
                                  ? (BinaryDirectory() / options.program).string()
                                  : options.program;
  if (::access(program.c_str(), X_OK) != 0) {
    return absl::NotFoundError(absl::StrCat("no program ", program));
  }
  if (options.output.empty()) return absl::InvalidArgumentError("output file not named");
  std::vector<std::string> arguments = {program};
  arguments.insert(arguments.end(), options.arguments.begin(), options.arguments.end());
  std::vector<std::string> environment = Environment(options.environment);
  const std::vector<char*> argument_pointers = Pointers(arguments);
  const std::vector<char*> environment_pointers = Pointers(environment);
  const pid_t parent = ::getpid();
  const pid_t pid = ::fork();
  if (pid < 0) return absl::InternalError(absl::StrCat("fork: ", std::strerror(errno)));
  if (pid == 0) {
    BecomeProgram(options, parent, program.c_str(), argument_pointers.data(),
                  environment_pointers.data());
  }
  return std::unique_ptr<Process>(new Process(pid, options));
}

Process::~Process() {
  Signal(SIGKILL);
  Wait(absl::Seconds(30)).IgnoreError();
}

bool Process::Running() {
  if (reaped_) return false;
  int status = 0;
  const pid_t ended = ::waitpid(pid_, &status, WNOHANG);
  if (ended == 0) return true;
  reaped_ = true;
  dumped_core_ = WIFSIGNALED(status) && WCOREDUMP(status);
  exit_code_ = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return false;
}

void Process::Signal(int signal) {
  if (Running()) ::kill(pid_, signal);
}

absl::StatusOr<int> Process::Wait(absl::Duration timeout) {
  if (PollUntil(timeout, [this] { return !Running(); })) return exit_code_;
  return absl::DeadlineExceededError(absl::StrCat(options_.program, " has not ended"));
}

absl::Status Process::NotReady(std::string_view what) {
  const std::string state = Running() ? "is running" : absl::StrCat("ended with ", exit_code_);
  const std::string message = absl::StrCat(options_.program, " ", state, " without ", ToAbsl(what),
                                           "; it wrote:\n", Tail(Output()));
  return reaped_ ? absl::FailedPreconditionError(message) : absl::DeadlineExceededError(message);
}

absl::StatusOr<std::string> Process::WaitForLine(std::string_view prefix, absl::Duration timeout) {
  std::string rest;
  bool found = false;
  PollUntil(timeout, [&] {
    const bool ended = !Running();  // Before the look: what it wrote before its end counts.
    const std::string output = Output();
    for (size_t start = 0; start < output.size() && !found;) {
      const size_t end = output.find('\n', start);
      if (end == std::string::npos) break;
      if (output.compare(start, prefix.size(), prefix) == 0) {
        rest = output.substr(start + prefix.size(), end - start - prefix.size());
        found = true;
      }
      start = end + 1;
    }
    return found || ended;
  });
  if (found) return rest;
  return NotReady(absl::StrCat("a line that starts with \"", ToAbsl(prefix), "\""));
}

absl::Status Process::WaitForPort(int port, absl::Duration timeout) {
  bool accepted = false;
  PollUntil(timeout, [&] {
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const sockaddr_in address = Loopback(port);
    accepted = ::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0;
    ::close(fd);
    return accepted || !Running();
  });
  if (accepted && Running()) return absl::OkStatus();
  return NotReady(absl::StrCat("listening on port ", port));
}

std::string Process::Output() const { return ReadOrEmpty(options_.output); }

int64_t Process::PeakResidentBytes() const {
  std::ifstream status(absl::StrCat("/proc/", pid_, "/status"));
  for (std::string line; std::getline(status, line);) {
    if (line.rfind("VmHWM:", 0) != 0) continue;
    const std::vector<std::string> words =
        absl::StrSplit(line, absl::ByAnyChar(" \t"), absl::SkipEmpty());
    int64_t kilobytes = 0;
    if (words.size() >= 2 && absl::SimpleAtoi(words[1], &kilobytes)) return kilobytes * 1024;
  }
  return 0;
}

void Process::ResetPeakResident() {
  std::ofstream clear(absl::StrCat("/proc/", pid_, "/clear_refs"));
  clear << "5\n";
}

absl::StatusOr<RunResult> RunToEnd(const ProcessOptions& options, absl::Duration timeout) {
  std::error_code ignored;
  std::filesystem::remove(options.output, ignored);
  if (!options.error_output.empty()) std::filesystem::remove(options.error_output, ignored);
  LIMBECK_ASSIGN_OR_RETURN(std::unique_ptr<Process> process, Process::Start(options));
  absl::StatusOr<int> code = process->Wait(timeout);
  RunResult result;
  result.out = process->Output();
  if (!options.error_output.empty()) result.err = ReadOrEmpty(options.error_output);
  if (!code.ok()) {
    return absl::DeadlineExceededError(absl::StrCat(ToAbsl(ToStd(code.status().message())), ": ",
                                                    Tail(result.out), Tail(result.err)));
  }
  result.exit_code = *code;
  return result;
}

absl::StatusOr<int> FreePort() {
  // Below the range that the kernel gives to outgoing connections, one of which could otherwise
  // take the port while its server restarts.
  constexpr int kFirst = 20'000;
  constexpr int kCount = 12'000;
  static std::set<int>* const given = new std::set<int>();
  StableRandom random(static_cast<uint64_t>(::getpid()), absl::ToUnixNanos(absl::Now()));
  for (int attempt = 0; attempt < 100; ++attempt) {
    const int port = kFirst + static_cast<int>(random.Below(kCount));
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const sockaddr_in address = Loopback(port);
    const bool bound =
        ::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0;
    ::close(fd);
    if (bound && given->insert(port).second) return port;
  }
  return absl::ResourceExhaustedError("no free port on 127.0.0.1");
}

}  // namespace limbeck::testing
