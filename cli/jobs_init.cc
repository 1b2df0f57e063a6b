#include <filesystem>
#include <memory>
#include <string>

#include "CLI/CLI.hpp"
#include "absl/strings/str_cat.h"
#include "base/file.h"
#include "base/status.h"
#include "cli/commands.h"
#include "cli/exit_codes.h"
#include "cli/job_file.h"
#include "cli/session.h"

namespace limbeck::cli {
namespace {

absl::StatusOr<int> InitJobFile(Session& session, const std::string& path) {
  if (path.empty()) {
    session.io().out << ExampleJobFile() << std::flush;
    return kExitOk;
  }
  std::error_code error;
  if (std::filesystem::exists(path, error)) {
    return absl::AlreadyExistsError(absl::StrCat(path, " is there already; it was left alone"));
  }
  LIMBECK_RETURN_IF_ERROR(WriteFileDurably(path, ExampleJobFile()));
  session.io().out << "wrote " << path << "; next: limbeck estimate -f " << path << '\n';
  return kExitOk;
}

}  // namespace

void AddJobsInit(CLI::App& jobs, Session& session) {
  auto path = std::make_shared<std::string>();
  CLI::App* command = jobs.add_subcommand("init", "Write a commented example of a job file");
  command->add_option("-o,--output", *path, "Write here (default: standard output)");
  command->footer(
      "Example:\n"
      "  limbeck jobs init -o job.yaml\n\n"
      "Exit status: 0 written, 1 the file exists or cannot be written.");
  command->callback([&session, path] {
    session.set_command([&session, path] { return InitJobFile(session, *path); });
  });
}

}  // namespace limbeck::cli
