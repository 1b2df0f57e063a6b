#include "cli/child_process.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>

#include "absl/strings/str_cat.h"
#include "base/status.h"

namespace limbeck::cli {
namespace {

// argv or envp of exec, pointing into `strings`.
std::vector<char*> Pointers(std::vector<std::string>& strings) {
  std::vector<char*> pointers;
  pointers.reserve(strings.size() + 1);
  for (auto& text : strings) pointers.push_back(text.data());
  pointers.push_back(nullptr);
  return pointers;
}

std::vector<std::string> Environment(const std::map<std::string, std::string>& additions) {
  std::vector<std::string> environment;
  for (char** entry = environ; *entry != nullptr; ++entry) environment.emplace_back(*entry);
  for (const auto& [name, value] : additions) {
    if (getenv(name.c_str()) == nullptr) environment.push_back(absl::StrCat(name, "=", value));
  }
  return environment;
}

// The child's side between fork and exec: async-signal-safe calls only, since other threads of the
// parent may have held any lock.
[[noreturn]] void Exec(pid_t parent, int stdin_fd, bool own_group, const char* path,
                       char* const* argv, char* const* envp) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(127);  // The parent died before the line above.
  if (own_group) setpgid(0, 0);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  signal(SIGPIPE, SIG_DFL);
  const int input = stdin_fd >= 0 ? stdin_fd : open("/dev/null", O_RDONLY);
  if (input != STDIN_FILENO) dup2(input, STDIN_FILENO);
  execve(path, argv, envp);
  _exit(127);
}

}  // namespace

absl::StatusOr<pid_t> StartProgram(const ProgramOptions& options) {
  if (access(options.path.c_str(), X_OK) != 0) {
    return absl::NotFoundError(
        absl::StrCat("cannot run ", options.path, ": ", std::strerror(errno)));
  }
  std::vector<std::string> arguments = {options.path};
  arguments.insert(arguments.end(), options.arguments.begin(), options.arguments.end());
  std::vector<std::string> environment = Environment(options.environment);
  const std::vector<char*> argv = Pointers(arguments);
  const std::vector<char*> envp = Pointers(environment);
  const pid_t parent = getpid();
  const pid_t child = fork();
  if (child < 0) {
    return absl::ResourceExhaustedError(
        absl::StrCat("cannot start ", options.path, ": ", std::strerror(errno)));
  }
  if (child == 0) {
    Exec(parent, options.stdin_fd, options.own_group, options.path.c_str(), argv.data(),
         envp.data());
  }
  return child;
}

absl::StatusOr<int> RunProgram(const ProgramOptions& options) {
  LIMBECK_ASSIGN_OR_RETURN(const pid_t child, StartProgram(options));
  int status = 0;
  while (waitpid(child, &status, 0) < 0) {
    if (errno != EINTR) return absl::InternalError(absl::StrCat("wait: ", std::strerror(errno)));
  }
  return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

absl::StatusOr<std::string> FindSibling(const std::string& name) {
  std::error_code error;
  const auto self = std::filesystem::read_symlink("/proc/self/exe", error);
  if (error) return absl::InternalError(absl::StrCat("/proc/self/exe: ", error.message()));
  const std::filesystem::path path = self.parent_path() / name;
  if (access(path.c_str(), X_OK) != 0) {
    return absl::NotFoundError(absl::StrCat("there is no program ", path.string()));
  }
  return path.string();
}

}  // namespace limbeck::cli
