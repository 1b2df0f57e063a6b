#include "base/version.h"

#include "CLI/CLI.hpp"
#include "cli/commands.h"
#include "cli/exit_codes.h"
#include "cli/session.h"

namespace limbeck::cli {

void AddVersion(CLI::App& root, Session& session) {
  CLI::App* command = root.add_subcommand("version", "Print the version");
  command->callback([&session] {
    session.set_command([&session]() -> absl::StatusOr<int> {
      if (session.options().json) {
        session.io().out << "{\"version\": \"" << kVersion << "\"}" << std::endl;
      } else {
        session.io().out << "limbeck " << kVersion << std::endl;
      }
      return kExitOk;
    });
  });
}

}  // namespace limbeck::cli
