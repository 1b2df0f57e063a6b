#include <memory>
#include <string>

#include "CLI/CLI.hpp"
#include "base/status.h"
#include "cli/commands.h"
#include "cli/exit_codes.h"
#include "cli/student_download.h"

namespace limbeck::cli {

void AddStudentsExport(CLI::App& students, Session& session) {
  auto id = std::make_shared<std::string>();
  auto directory = std::make_shared<std::string>();
  CLI::App* command = students.add_subcommand("export", "Download a student's files");
  command->add_option("JOB", *id, "The job that made it")->required();
  command->add_option("-o,--output", *directory, "New directory (default: the job's id)");
  command->footer(
      "Example:\n"
      "  limbeck students export job-0123456789abcdef -o my-student\n\n"
      "Exit status: 0 complete and checked, 1 anything else.");
  command->callback([&session, id, directory] {
    session.set_command([&session, id, directory]() -> absl::StatusOr<int> {
      const std::string target = directory->empty() ? *id : *directory;
      LIMBECK_RETURN_IF_ERROR(DownloadStudent(session, *id, target));
      session.io().out << target << std::endl;
      return kExitOk;
    });
  });
}

}  // namespace limbeck::cli
