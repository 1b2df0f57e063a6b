#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "CLI/CLI.hpp"
#include "absl/strings/str_cat.h"
#include "base/file.h"
#include "base/status.h"
#include "cli/child_process.h"
#include "cli/commands.h"
#include "cli/student_download.h"

namespace limbeck::cli {
namespace {

struct PredictOptions {
  std::string student;
  std::vector<std::string> texts;
};

// A file in memory that holds the texts, one a line, positioned at its start.
absl::StatusOr<int> TextsAsFile(const std::vector<std::string>& texts) {
  std::string lines;
  for (std::string text : texts) {
    for (char& c : text) {
      if (c == '\n' || c == '\r') c = ' ';  // One text a line.
    }
    lines += text + '\n';
  }
  const int fd = memfd_create("texts", MFD_CLOEXEC);
  if (fd < 0 || write(fd, lines.data(), lines.size()) != static_cast<ssize_t>(lines.size()) ||
      lseek(fd, 0, SEEK_SET) != 0) {
    return absl::ResourceExhaustedError(absl::StrCat("cannot pass texts: ", std::strerror(errno)));
  }
  return fd;
}

absl::StatusOr<int> RunTrainer(const Session& session, const std::filesystem::path& directory,
                               const PredictOptions& options, bool json) {
  ProgramOptions program;
  LIMBECK_ASSIGN_OR_RETURN(program.path, FindSibling("limbeck-trainer"));
  program.arguments = {"predict", "--student", directory.string()};
  if (json) program.arguments.push_back("--json");
  program.environment = {{"OMP_WAIT_POLICY", "passive"}};
  program.stdin_fd = STDIN_FILENO;
  if (!options.texts.empty()) {
    LIMBECK_ASSIGN_OR_RETURN(program.stdin_fd, TextsAsFile(options.texts));
  }
  session.io().out << std::flush;
  auto status = RunProgram(program);
  if (!options.texts.empty()) close(program.stdin_fd);
  return status;
}

absl::StatusOr<int> PredictTexts(Session& session, const PredictOptions& options) {
  const bool json = session.options().json;
  std::error_code error;
  if (std::filesystem::is_directory(options.student, error)) {
    return RunTrainer(session, options.student, options, json);
  }
  const ScopedTempDirectory temp;
  const auto directory = temp.path() / "student";
  LIMBECK_RETURN_IF_ERROR(DownloadStudent(session, options.student, directory));
  return RunTrainer(session, directory, options, json);
}

}  // namespace

void AddStudentsPredict(CLI::App& students, Session& session) {
  auto options = std::make_shared<PredictOptions>();
  CLI::App* command = students.add_subcommand(
      "predict", "Label texts with a student, given as arguments or one a line on standard input");
  command->add_option("STUDENT", options->student, "The job that made it, or an exported directory")
      ->required();
  command->add_option("TEXT", options->texts, "Texts (default: standard input)");
  command->footer(
      "Examples:\n"
      "  limbeck students predict job-0123456789abcdef \"a small wild cat\"\n"
      "  limbeck students predict my-student --json < texts.txt\n\n"
      "Exit status: that of limbeck-trainer predict; 1 the student could not be had.");
  command->callback([&session, options] {
    session.set_command([&session, options] { return PredictTexts(session, *options); });
  });
}

}  // namespace limbeck::cli
